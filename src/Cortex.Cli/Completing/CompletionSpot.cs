using System.CommandLine;
using Cortex.Cli.Output;

namespace Cortex.Cli.Completing;

/// <summary>Where in a command line the cursor is.</summary>
/// <param name="Command">The command that has been named so far.</param>
/// <param name="Expected">The flag whose value, or the argument that is typed here; null for a command's name, a flag, or nothing.</param>
/// <param name="Arguments">The arguments that are complete.</param>
/// <param name="Environment">What <c>--env</c> says; null when it was not given.</param>
internal sealed record CompletionSpot(Command Command, Symbol? Expected, IReadOnlyList<string> Arguments, string? Environment)
{
    /// <summary>Reads the words before the cursor.</summary>
    public static CompletionSpot Of(Command root, IReadOnlyList<string> words, string current)
    {
        var command = root;
        Option? open = null;
        string? environment = null;
        var arguments = new List<string>();
        foreach (var word in words)
        {
            if (open is not null)
            {
                environment = open.Name == "--env" ? word : environment;
                open = null;
            }
            else if (word.StartsWith('-') && word.Length > 1)
            {
                var (name, value) = word.Split('=', 2) is [var before, var behind] ? (before, behind) : (word, null);
                var flag = CommandHelp.FlagsOf(command).FirstOrDefault(option => option.Name == name || option.Aliases.Contains(name));
                environment = flag?.Name == "--env" && value is not null ? value : environment;
                open = value is null && flag is not null && CommandHelp.TakesValue(flag) ? flag : null;
            }
            else if (Child(command, word) is { } child)
            {
                command = child;
            }
            else
            {
                arguments.Add(word);
            }
        }

        Symbol? expected = open is not null ? open
            : current.StartsWith('-') ? null
            : command.Arguments.ElementAtOrDefault(arguments.Count) ?? command.Arguments.LastOrDefault(argument => argument.Arity.MaximumNumberOfValues > 1);
        return new CompletionSpot(command, expected, arguments, environment);
    }

    // Shortened names are as good as whole ones.
    private static Command? Child(Command command, string word) =>
        command.Subcommands.FirstOrDefault(each => each.Name == word)
        ?? (command.Subcommands.Where(each => each.Name.StartsWith(word, StringComparison.Ordinal)).ToArray() is [var only] ? only : null);
}
