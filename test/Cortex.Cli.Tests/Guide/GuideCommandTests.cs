using System.CommandLine;
using System.CommandLine.Parsing;
using Cortex.Cli.Async;
using Cortex.Cli.Commands;
using Cortex.Cli.Output;
using Cortex.Cli.Tests.Support;

namespace Cortex.Cli.Tests.Guide;

/// <summary>The guide's commands exist, and the commands are in the guide.</summary>
public sealed class GuideCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();
    private readonly Command _tree;

    public GuideCommandTests() => _tree = CortexCommand.Create(_cli.Host(TextWriter.Null, TextWriter.Null));

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void Commands_OfTheGuide_Parse()
    {
        var wrong = new List<string>();
        var count = 0;
        foreach (var block in GuidePages.Blocks("sh", "bash", "console"))
        {
            foreach (var line in block.Text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
            {
                foreach (var typed in line.TrimStart('$', ' ').Split(["; ", " | ", " && ", "$("], StringSplitOptions.None).Where(part => part.StartsWith("cortex ", StringComparison.Ordinal)))
                {
                    count++;
                    var words = CommandLineParser.SplitCommandLine(Plain(typed)).Skip(1).ToArray();
                    var parsed = _tree.Parse(WaitOption.Expand(CommandPrefixes.Expand(_tree, words)));
                    if (parsed.Errors.Count > 0 && words[0] != "server")
                    {
                        wrong.Add($"{block.Place}: {typed}: {parsed.Errors[0].Message}");
                    }
                }
            }
        }

        Assert.Empty(wrong);
        Assert.True(count > 40, $"only {count} commands were found");
    }

    [Fact]
    public void Reference_HasEveryCommandAndFlag()
    {
        var page = GuidePages.Read("docs/guide/cli.md");
        var shared = page[page.IndexOf("Flags that several share", StringComparison.Ordinal)..page.IndexOf("## Environments", StringComparison.Ordinal)];
        var rows = page.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).ToArray();
        var missing = new List<string>();
        foreach (var command in All(_tree).Where(command => command.Subcommands.Count == 0))
        {
            var path = CommandHelp.PathOf(command)["cortex ".Length..];
            var row = rows.FirstOrDefault(line => line.Contains($"`{path}`", StringComparison.Ordinal) || line.Contains($"`{path} ", StringComparison.Ordinal));
            if (row is null)
            {
                missing.Add(path);
                continue;
            }

            bool IsNamed(string text) => (row + shared).Contains($"`{text}", StringComparison.Ordinal) || (row + shared).Contains($"/{text}", StringComparison.Ordinal);
            missing.AddRange(command.Options.Where(option => !option.Aliases.Append(option.Name).Any(IsNamed) && !option.Description!.StartsWith("accepted for compatibility", StringComparison.Ordinal)).Select(option => $"{path} {option.Name}"));
        }

        Assert.Empty(missing);
    }

    // Without what the shell makes of a line: its comment, where its output goes, and apostrophes.
    private static string Plain(string typed) =>
        typed.Split(["  #", " #", " > ", " < "], StringSplitOptions.None)[0].Replace("'{\"n\": 1}'", "{}", StringComparison.Ordinal).Replace('\'', '"').TrimEnd(')');

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
}
