using System.CommandLine;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Prints the versions of this program and of the operator.</summary>
internal static class VersionCommand
{
    public static Command Create(CliHost host)
    {
        var env = CommonOptions.Env();
        var command = new Command("version", "print the versions of the command line and of the cluster") { env };
        CommandHelp.AddExamples(command, "cortex version", "cortex version --env prod");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await host.Out.WriteLineAsync($"cli version: {ProductVersion.Current}");
            CortexEnvironment environment;
            try
            {
                environment = await EnvironmentResolver.ResolveAsync(host, parsed.GetValue(env), announce: false, cancellationToken);
            }
            catch (CortexException exception) when (exception.Kind is "cli.no_available_environment" or "cli.environment_not_set")
            {
                return ExitCodes.Success;
            }

            using var client = host.Connect(environment);
            var info = await client.InfoAsync(cancellationToken);
            await host.Out.WriteLineAsync($"cluster version: {info.ClusterConfig.GetProperty("api_version").GetString()}");
            return ExitCodes.Success;
        });
        return command;
    }
}
