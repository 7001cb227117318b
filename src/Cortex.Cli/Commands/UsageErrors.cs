using System.CommandLine;
using System.CommandLine.Parsing;
using Cortex.Cli.Output;
using Cortex.Core.Shapes;

namespace Cortex.Cli.Commands;

/// <summary>Says what is wrong with a command line and how it should look.</summary>
internal static class UsageErrors
{
    public static int Report(ParseResult parsed, CliHost host)
    {
        var command = parsed.CommandResult.Command;
        host.ReportError(Message(parsed, command));
        host.Error.WriteLine($"\nusage: {CommandHelp.Usage(command)}\n`{CommandHelp.PathOf(command)} --help` says more");
        return ExitCodes.Usage;
    }

    /// <summary>Whether a word is meant as a flag; a dash by itself is standard input.</summary>
    public static bool IsFlag(string word) => word.Length > 1 && word[0] == '-';

    public static string UnknownFlag(Command command, string flag)
    {
        var known = CommandHelp.FlagsOf(command).SelectMany(option => option.Aliases.Append(option.Name)).Where(name => name.StartsWith("--", StringComparison.Ordinal)).ToArray();
        return $"unknown flag: {flag}{(Words.Closest(flag.Split('=')[0], known) is { } meant ? $"; did you mean {meant}?" : "")}";
    }

    private static string Message(ParseResult parsed, Command command)
    {
        // Before all else: what follows an unknown flag is only wrong because of it.
        var words = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(result => result.Tokens).Select(token => token.Value).Concat(parsed.UnmatchedTokens);
        if (words.FirstOrDefault(IsFlag) is { } flag)
        {
            return UnknownFlag(command, flag);
        }

        var candidates = command.Subcommands.Where(each => !each.Hidden).Select(each => each.Name).ToArray();
        if (candidates.Length > 0 && parsed.UnmatchedTokens is [var word, ..])
        {
            var path = CommandHelp.PathOf(command);
            var matches = candidates.Where(name => name.StartsWith(word, StringComparison.Ordinal)).ToArray();
            return matches.Length > 1 ? $"\"{path} {word}\" could be {string.Join(" or ", matches)}"
                : $"\"{path}\" has no command \"{word}\"{(Words.Closest(word, candidates) is { } meant ? $"; did you mean {meant}?" : $"; it has {string.Join(", ", candidates)}")}";
        }

        var message = parsed.Errors[0].Message.TrimEnd('.');
        return char.ToLowerInvariant(message[0]) + message[1..];
    }
}
