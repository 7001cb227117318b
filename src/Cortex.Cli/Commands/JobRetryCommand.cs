using System.CommandLine;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Core.Specs;

namespace Cortex.Cli.Commands;

/// <summary>Submits a job of the batches that a batch job gave up.</summary>
internal static class JobRetryCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var job = new Argument<string>("JOB_ID") { Description = "the id of a job that has ended" };
        var workers = new Option<int?>("--workers") { Description = "workers of the new job [default: as many as before]", HelpName = "N" };
        var wait = new Option<bool>("--wait") { Description = "wait for the new job's end, and end as it did" };
        var env = CommonOptions.Env();
        var output = CommonOptions.Output();
        var command = new Command("retry", "put the batches that a batch job gave up into a new job") { name, job, workers, wait, env, output };
        CommandHelp.AddExamples(command, "cortex job retry score 6715ccc7077c27ff --workers 4 --wait");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            var jobs = client.Jobs(parsed.GetValue(name)!, ApiKind.BatchAPI);
            var submitted = await jobs.RetryDeadLettersAsync(parsed.GetValue(job)!, parsed.GetValue(workers), cancellationToken);
            return await JobSubmitCommand.FinishAsync(host, jobs, submitted, parsed.GetValue(wait), format, cancellationToken);
        });
        return command;
    }
}
