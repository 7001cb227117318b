using System.CommandLine;

namespace Cortex.Cli.Commands;

/// <summary>Completes abbreviated command names: <c>clu inf</c> becomes <c>cluster info</c>.</summary>
internal static class CommandPrefixes
{
    /// <summary>Words that fit no command, or several, stay as they are for the parser to report.</summary>
    public static string[] Expand(Command root, IReadOnlyList<string> words)
    {
        var expanded = words.ToArray();
        var command = root;
        for (var index = 0; index < expanded.Length && command.Subcommands.Count > 0; index++)
        {
            var word = expanded[index];
            var exact = command.Subcommands.FirstOrDefault(each => each.Name == word);
            var found = exact is not null ? [exact] : command.Subcommands.Where(each => word.Length > 0 && each.Name.StartsWith(word, StringComparison.Ordinal)).ToArray();
            if (found is not [var next])
            {
                break;
            }

            expanded[index] = next.Name;
            command = next;
        }

        return expanded;
    }
}
