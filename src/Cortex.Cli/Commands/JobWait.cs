using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Specs;

namespace Cortex.Cli.Commands;

/// <summary>Waits for the end of a job, and turns it into an exit code.</summary>
internal static class JobWait
{
    /// <summary>Each question waits this long for the end, so that it is seen at once without asking all the time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>And where somebody watches.</summary>
    private static readonly TimeSpan ShownPatience = TimeSpan.FromSeconds(1);

    /// <summary>The job's answer after its end. On a terminal a batch job shows how far it is.</summary>
    public static async Task<JsonElement> RunAsync(CliHost host, ApiJobs jobs, string jobId, CancellationToken cancellationToken)
    {
        var isShown = host.ErrorIsTerminal && await jobs.KindAsync(cancellationToken) == ApiKind.BatchAPI;
        var lines = new ProgressLines(host.Error, host.ErrorIsTerminal);
        var progress = new JobProgress(host.Time);
        var ended = await jobs.FollowAsync(
            jobId,
            Timeout.InfiniteTimeSpan,
            isShown ? ShownPatience : Patience,
            isShown ? report => lines.Show([progress.Observe(report.Json.GetProperty("job_status"))]) : null,
            cancellationToken);
        return ended.Json;
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
