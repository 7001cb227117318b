using System.CommandLine;
using Cortex.Cli.Output;

namespace Cortex.Cli.Commands;

/// <summary>Prints a script that teaches a shell our commands and flags.</summary>
internal static class CompletionCommand
{
    public static Command Create(CliHost host, Command root)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash or zsh" };
        shell.AcceptOnlyFromAmong("bash", "zsh");
        var command = new Command("completion", "print a completion script for bash or zsh") { shell };
        command.SetAction(parsed => host.Out.Write(parsed.GetValue(shell) == "bash" ? CompletionScript.Bash(root) : CompletionScript.Zsh(root)));
        return command;
    }
}
