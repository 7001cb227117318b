using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Units;

namespace Cortex.Cli.Commands;

/// <summary>Submits a job of a Task or Batch API and, when asked to, waits for its end.</summary>
internal static class JobSubmitCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var file = new Option<string?>("--file", "-f")
        {
            Description = "the submission as JSON, or the items of a batch job when it ends with .ndjson or .jsonl; - reads standard input",
            HelpName = "FILE",
        };
        var ndjson = new Option<bool>("--ndjson") { Description = "the file holds the items of a batch job, whatever its name" };
        var config = new Option<string[]>("--config", "-c")
        {
            Description = "an entry of the job's config; a value that is JSON is taken as such, any other as text (repeatable)",
            HelpName = "KEY=VALUE",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        var timeout = new Option<long?>("--timeout")
        {
            Description = "end the job after this time from now, such as 90s or 2h; whole seconds",
            HelpName = "DURATION",
            CustomParser = result =>
            {
                if (GoDuration.TryParse(result.Tokens[0].Value, out var duration) && duration >= TimeSpan.FromSeconds(1))
                {
                    return (long)Math.Ceiling(duration.TotalSeconds);
                }

                result.AddError($"--timeout is a duration of a second or more, such as 90s or 2h, not \"{result.Tokens[0].Value}\"");
                return null;
            },
        };
        var priority = new Option<int?>("--priority") { Description = "task jobs of a higher priority start first; 0 to 9 [default: the API's own]", HelpName = "N" };
        var workers = new Option<int?>("--workers") { Description = "workers of a batch job [default: the file's own, 1 for items]", HelpName = "N" };
        var batchSize = new Option<int?>("--batch-size") { Description = "items of one batch [default: the file's own, 1 for items]", HelpName = "N" };
        var maxReceiveCount = new Option<int?>("--max-receive-count") { Description = "try a failed batch so often, then keep it as a dead letter", HelpName = "N" };
        var dryRun = new Option<bool>("--dry-run") { Description = "only check the submission of a batch job, and list its files" };
        var wait = new Option<bool>("--wait") { Description = "wait for the job's end, and end as it did" };
        var env = CommonOptions.Env();
        var output = CommonOptions.Output();
        var command = new Command("submit", "submit a job") { name, file, ndjson, config, timeout, priority, workers, batchSize, maxReceiveCount, dryRun, wait, env, output };
        config.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1) is { } wrong)
            {
                result.AddError($"--config is KEY=VALUE, not \"{wrong.Value}\"");
            }
        });
        CommandHelp.AddExamples(command,
            "cortex job submit train --config rate=0.1 --timeout 2h --wait",
            "cortex job submit score -f job.json --dry-run",
            "cortex job submit score -f items.ndjson --workers 4 --batch-size 100 --wait");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            var flags = new JobFlags
            {
                Config = parsed.GetValue(config) ?? [],
                Timeout = parsed.GetValue(timeout),
                Priority = parsed.GetValue(priority),
                Workers = parsed.GetValue(workers),
                BatchSize = parsed.GetValue(batchSize),
                MaxReceiveCount = parsed.GetValue(maxReceiveCount),
            };
            var source = parsed.GetValue(file);
            var areItems = parsed.GetValue(ndjson) || JobSubmission.HoldsItems(source);
            if (areItems && source is null)
            {
                throw new CortexException("cli.invalid_submission", "--ndjson needs the items: name a file with -f, or - for standard input");
            }

            var submission = areItems ? JobSubmission.OfItems(host, source!, flags) : await JobSubmission.ReadAsync(host, source, flags, cancellationToken);
            using var body = submission.Body;
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            var apiName = parsed.GetValue(name)!;
            var jobs = client.Jobs(apiName);
            CheckKind(await jobs.KindAsync(cancellationToken), apiName, flags, areItems, parsed.GetValue(dryRun));
            if (parsed.GetValue(dryRun))
            {
                host.Out.WriteLine(await jobs.DryRunAsync(submission.Query, body, cancellationToken));
                return ExitCodes.Success;
            }

            var job = await jobs.SubmitAsync(submission.Query, body, cancellationToken);
            return await FinishAsync(host, jobs, job, parsed.GetValue(wait), format, cancellationToken);
        });
        return command;
    }

    /// <summary>Tells of a job that was submitted and, when asked to, waits for its end.</summary>
    public static async Task<int> FinishAsync(CliHost host, ApiJobs jobs, Job job, bool wait, OutputFormat format, CancellationToken cancellationToken)
    {
        if (format == OutputFormat.Pretty)
        {
            host.Out.WriteLine($"submitted job {job.JobId} of {jobs.ApiName}");
        }

        if (!wait)
        {
            if (format != OutputFormat.Pretty)
            {
                Answer.Write(host, format, job.Json);
            }

            return ExitCodes.Success;
        }

        var ended = await JobWait.RunAsync(host, jobs, job.JobId, cancellationToken);
        if (format != OutputFormat.Pretty)
        {
            Answer.Write(host, format, ended);
        }
        else
        {
            Print(host, jobs.ApiName, ended.GetProperty("job_status"));
        }

        return JobWait.ExitCode(ended.GetProperty("job_status"));
    }

    private static void Print(CliHost host, string apiName, JsonElement job)
    {
        var status = JobTables.Text(job, "status");
        var line = $"job {JobTables.Text(job, "job_id")} of {apiName}: {JobStatusText.Of(status)} after {JobTables.Duration(job, host.Time)}";
        var message = JobTables.Text(job, "message");
        host.Out.WriteLine(message.Length > 0 ? $"{line}: {message}" : line);
        if (status != "succeeded")
        {
            host.Out.Write(JobPage.DeadLetters(apiName, job));
            host.Out.Write(JobPage.LastLines(job, host.Style));
        }
    }

    // The operator would ignore what a kind does not know, and the job would run without it.
    private static void CheckKind(ApiKind? kind, string apiName, JobFlags flags, bool areItems, bool isDryRun)
    {
        if (kind == ApiKind.BatchAPI && flags.Priority is not null)
        {
            throw new CortexException("cli.invalid_submission", $"{apiName} is a BatchAPI, whose jobs have the priority that its configuration gives them (`jobs: {{priority: N}}`); leave --priority out");
        }

        if (kind == ApiKind.TaskAPI && (areItems || isDryRun || (flags.BatchSize ?? flags.MaxReceiveCount) is not null))
        {
            throw new CortexException("cli.invalid_submission", $"{apiName} is a TaskAPI, which takes no items; --ndjson, --batch-size, --max-receive-count and --dry-run are for batch jobs");
        }
    }
}
