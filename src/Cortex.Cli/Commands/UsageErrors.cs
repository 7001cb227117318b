using System.CommandLine;

namespace Cortex.Cli.Commands;

/// <summary>Says what is wrong with a command line and how it should look.</summary>
internal static class UsageErrors
{
    public static int Report(ParseResult parsed, CliHost host)
    {
        var path = PathOf(parsed.CommandResult.Command);
        var candidates = parsed.CommandResult.Command.Subcommands.Where(command => !command.Hidden).Select(command => command.Name).ToArray();
        if (candidates.Length > 0 && parsed.UnmatchedTokens is [var word, ..])
        {
            var matches = candidates.Where(name => name.StartsWith(word, StringComparison.Ordinal)).ToArray();
            host.ReportError(matches.Length > 1
                ? $"\"{path} {word}\" could be {string.Join(" or ", matches)}"
                : $"\"{path}\" has no command \"{word}\"; it has {string.Join(", ", candidates)}");
        }
        else
        {
            var message = parsed.Errors[0].Message.TrimEnd('.');
            host.ReportError(char.ToLowerInvariant(message[0]) + message[1..]);
        }

        host.Error.WriteLine($"\nusage: {Usage(parsed.CommandResult.Command, path)}\n`{path} --help` says more");
        return ExitCodes.Usage;
    }

    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : command.Name;

    private static string Usage(Command command, string path)
    {
        var arguments = command.Arguments.Select(argument => argument.Arity.MinimumNumberOfValues == 0 ? $" [{argument.Name}]" : $" {argument.Name}");
        return path + (command.Subcommands.Count > 0 ? " COMMAND" : string.Concat(arguments)) + " [flags]";
    }
}
