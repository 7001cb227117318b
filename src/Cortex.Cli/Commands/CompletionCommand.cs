using System.CommandLine;
using Cortex.Cli.Completing;
using Cortex.Cli.Output;

namespace Cortex.Cli.Commands;

/// <summary>Prints a script that teaches a shell our commands, flags and names.</summary>
internal static class CompletionCommand
{
    public static Command Create(CliHost host)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "print a completion script for bash, zsh or fish") { shell };
        CommandHelp.AddExamples(command, "source <(cortex completion bash)", "cortex completion fish | source");
        command.SetAction(parsed => host.Out.Write(parsed.GetValue(shell) switch
        {
            "bash" => CompletionScript.Bash,
            "zsh" => CompletionScript.Zsh,
            _ => CompletionScript.Fish,
        }));
        return command;
    }
}
