using System.CommandLine;
using Cortex.Cli.Output;
using Cortex.Client.Environments;

namespace Cortex.Cli.Commands;

/// <summary>Forgets an environment; its cluster is not touched.</summary>
internal static class EnvDeleteCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.OptionalEnvironmentName("the environment to forget");
        var command = new Command("delete", "forget an environment; its cluster keeps running") { name };
        CommandHelp.AddExamples(command, "cortex env delete prod");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var config = host.Config.Load();
            var chosen = parsed.GetValue(name) ?? await Prompt.AskAsync(host, "name of the environment to delete", null, cancellationToken);
            if (chosen is null)
            {
                return ExitCodes.Failure;
            }

            if (config.Find(chosen) is null)
            {
                throw EnvironmentChoice.NotFound(chosen);
            }

            var rest = config.Without([chosen]);
            host.Config.Save(rest);
            await host.Out.WriteLineAsync($"deleted the {chosen} environment{DefaultChange(config, rest)}");
            return ExitCodes.Success;
        });
        return command;
    }

    private static string DefaultChange(CliConfig before, CliConfig after) =>
        after.DefaultEnvironment == before.DefaultEnvironment ? ""
        : after.DefaultEnvironment is { } now ? $"; {now} is the default environment now"
        : after.Environments.Count > 0 ? "; there is no default environment now, choose one with `cortex env default NAME`"
        : "; no environments are left";
}
