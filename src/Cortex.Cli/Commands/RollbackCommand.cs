using System.CommandLine;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;

namespace Cortex.Cli.Commands;

/// <summary>Deploys an earlier version of an API again.</summary>
internal static class RollbackCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var id = new Argument<string?>("API_ID") { Description = "a version that `cortex get API_NAME` lists [default: the one before]", Arity = ArgumentArity.ZeroOrOne };
        var env = CommonOptions.Env();
        var force = CommonOptions.Force("roll back even while an update is in progress");
        var output = CommonOptions.Output();
        var wait = DeployOutcome.Wait("wait until the version is deployed and ready");
        var timeout = DeployOutcome.Timeout();
        var command = new Command("rollback", "deploy an earlier version of an API again") { name, id, env, force, output, wait, timeout };
        CommandHelp.AddExamples(command,
            "cortex rollback iris --wait",
            "cortex rollback iris 6715ccc7077c27ff-0a1b2c");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            var results = await client.RollbackAsync(parsed.GetValue(name)!, parsed.GetValue(id), parsed.GetValue(force), cancellationToken);
            return await DeployOutcome.ReportAsync(host, client, format, results, parsed.GetValue(wait) ? parsed.GetValue(timeout) : null, cancellationToken);
        });
        return command;
    }
}
