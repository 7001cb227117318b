using System.CommandLine;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Renames an environment; the default follows.</summary>
internal static class EnvRenameCommand
{
    public static Command Create(CliHost host)
    {
        var oldName = new Argument<string>("EXISTING_NAME") { Description = "its name now" };
        var newName = new Argument<string>("NEW_NAME") { Description = "its name from now on" };
        var command = new Command("rename", "rename an environment") { oldName, newName };
        CommandHelp.AddExamples(command, "cortex env rename prod live");
        command.SetAction(parsed =>
        {
            var (from, to) = (parsed.GetValue(oldName)!, parsed.GetValue(newName)!);
            var config = host.Config.Load();
            var environment = config.Find(from) ?? throw EnvironmentChoice.NotFound(from);
            if (config.Find(to) is not null)
            {
                throw new CortexException("error", $"there already is an environment named {to}; remove it first with `cortex env delete {to}`");
            }

            if (to.Length is 0 or > CortexEnvironment.LongestName)
            {
                throw new CortexException("error", $"an environment's name has 1 to {CortexEnvironment.LongestName} characters");
            }

            host.Config.Save(config with
            {
                Environments = [.. config.Environments.Select(each => each == environment ? each with { Name = to } : each)],
                DefaultEnvironment = config.DefaultEnvironment == from ? to : config.DefaultEnvironment,
            });
            host.Out.WriteLine($"renamed the {from} environment to {to}");
        });
        return command;
    }
}
