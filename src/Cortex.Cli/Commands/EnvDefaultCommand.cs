using System.CommandLine;
using Cortex.Cli.Output;
using Cortex.Client.Environments;

namespace Cortex.Cli.Commands;

/// <summary>Chooses the environment that is used when none is named.</summary>
internal static class EnvDefaultCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.OptionalEnvironmentName("the environment to use by default");
        var command = new Command("default", "set the default environment") { name };
        CommandHelp.AddExamples(command, "cortex env default prod");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var config = host.Config.Load();
            var chosen = parsed.GetValue(name);
            if (chosen is null)
            {
                await host.Out.WriteLineAsync(config.DefaultEnvironment is { } current ? $"current default environment: {current}" : "no default environment is set");
                chosen = await Prompt.AskAsync(host, "name of the new default environment", null, cancellationToken);
                if (chosen is null)
                {
                    return ExitCodes.Failure;
                }
            }

            if (config.Find(chosen) is null)
            {
                throw EnvironmentChoice.NotFound(chosen);
            }

            if (config.DefaultEnvironment == chosen)
            {
                await host.Out.WriteLineAsync($"{chosen} is already the default environment");
                return ExitCodes.Success;
            }

            host.Config.Save(config with { DefaultEnvironment = chosen });
            await host.Out.WriteLineAsync($"set {chosen} as the default environment");
            return ExitCodes.Success;
        });
        return command;
    }
}
