using System.Text.Json;
using Cortex.Cli.Client;
using Cortex.Cli.Output;
using Cortex.Core.Errors;
using Cortex.Core.Specs;

namespace Cortex.Cli.Commands;

/// <summary>Waits for the end of a job, and turns it into an exit code.</summary>
internal static class JobWait
{
    /// <summary>Each question waits this long for the end, so that it is seen at once without asking all the time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>A server that is being restarted may be away this long.</summary>
    private static readonly TimeSpan Absence = TimeSpan.FromMinutes(2);

    /// <summary>The job's answer after its end. On a terminal a batch job shows how far it is.</summary>
    public static async Task<JsonElement> RunAsync(CliHost host, OperatorClient client, ApiKind? kind, string apiName, string jobId, CancellationToken cancellationToken)
    {
        var isShown = kind == ApiKind.BatchAPI && host.ErrorIsTerminal;
        var lines = new ProgressLines(host.Error, host.ErrorIsTerminal);
        var progress = new JobProgress(host.Time);
        var patience = isShown ? Pause : Patience;
        var seen = host.Time.GetTimestamp();
        while (true)
        {
            try
            {
                var asked = host.Time.GetTimestamp();
                var answer = await client.GetJobAsync(kind, apiName, jobId, cancellationToken, patience);
                if (isShown)
                {
                    lines.Show([progress.Observe(answer.GetProperty("job_status"))]);
                }

                if (!JobStatusText.IsInProgress(JobTables.Text(answer.GetProperty("job_status"), "status")))
                {
                    return answer;
                }

                seen = host.Time.GetTimestamp();
                if (Pause - host.Time.GetElapsedTime(asked) is var left && left > TimeSpan.Zero)
                {
                    // An operator that does not wait.
                    await Task.Delay(left, host.Time, cancellationToken);
                }
            }
            catch (CortexException exception) when (exception.Kind == "cli.failed_to_connect_operator" && host.Time.GetElapsedTime(seen) < Absence)
            {
                await Task.Delay(Pause, host.Time, cancellationToken);
            }
        }
    }

    /// <summary>0 for a job that succeeded, its container's own code for a failed one, and the usual codes for the rest.</summary>
    public static int ExitCode(JsonElement job) => JobTables.Text(job, "status") switch
    {
        "succeeded" => ExitCodes.Success,
        "worker_error" when JobTables.Number(job, "exit_code") is > 0 and <= 255 and var code => (int)code,
        "worker_oom" => 137,
        "timed_out" => 124,
        "stopped" => 143,
        _ => ExitCodes.Failure,
    };
}
