using System.CommandLine;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;

namespace Cortex.Cli.Commands;

/// <summary>Deletes an API, or stops one of its jobs.</summary>
internal static class DeleteCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var job = CommonOptions.JobId();
        var env = CommonOptions.Env();
        var force = CommonOptions.Force("delete without asking");
        var keepCache = new Option<bool>("--keep-cache", "-c") { Description = "keep its stored versions" };
        var output = CommonOptions.Output();
        var command = new Command("delete", "delete an API, or stop a job") { name, job, env, force, keepCache, output };
        CommandHelp.AddExamples(command,
            "cortex delete iris",
            "cortex delete iris --force",
            "cortex delete train 6715ccc7077c27ff");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            var (apiName, jobId) = (parsed.GetValue(name)!, parsed.GetValue(job));
            var environment = await EnvironmentResolver.ResolveAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            if (!parsed.GetValue(force) && jobId is null && host.InputIsTerminal
                && !await Prompt.ConfirmAsync(host, $"delete {apiName} from the {environment.Name} environment?", cancellationToken))
            {
                return ExitCodes.Failure;
            }

            using var client = host.Connect(environment);
            var answer = jobId is null
                ? await client.DeleteAsync(apiName, parsed.GetValue(keepCache), cancellationToken)
                : await client.Jobs(apiName).StopAsync(jobId, cancellationToken);
            RefreshCommand.Print(host, format, answer);
            return ExitCodes.Success;
        });
        return command;
    }
}
