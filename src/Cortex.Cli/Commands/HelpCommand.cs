using System.CommandLine;
using Cortex.Cli.Output;

namespace Cortex.Cli.Commands;

/// <summary>The same as <c>--help</c>, for those who look for it in front.</summary>
internal static class HelpCommand
{
    public static Command Create(CliHost host, Command root)
    {
        var words = new Argument<string[]>("COMMAND") { Description = "the command to explain [default: all of them]", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("help", "explain a command") { words };
        CommandHelp.AddExamples(command, "cortex help", "cortex help cluster up");
        command.SetAction(parsed =>
        {
            var asked = root.Parse(CommandPrefixes.Expand(root, parsed.GetValue(words) ?? []));
            if (asked.UnmatchedTokens.Count > 0)
            {
                return UsageErrors.Report(asked, host);
            }

            host.Out.Write(CommandHelp.Render(asked.CommandResult.Command));
            return ExitCodes.Success;
        });
        return command;
    }
}
