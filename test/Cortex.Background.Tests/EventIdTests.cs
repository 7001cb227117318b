using System.Text.RegularExpressions;

namespace Cortex.Background.Tests;

/// <summary>Whoever looks for a message of the log by its id finds that one alone.</summary>
public sealed partial class EventIdTests
{
    private static readonly (string Id, string Place)[] _messages =
    [
        .. from file in Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
           where !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
           from Match match in Message().Matches(File.ReadAllText(file))
           select (match.Groups["id"].Value, $"{Path.GetRelativePath(Repository.Root, file)}: {match.Groups["text"].Value}"),
    ];

    [Fact]
    public void EventIds_OfTheWholeProduct_AreUnique()
    {
        var shared = from message in _messages
                     group message.Place by message.Id into places
                     where places.Count() > 1
                     select $"{places.Key} is the id of several messages:\n  {string.Join("\n  ", places)}";

        Assert.True(_messages.Length > 100, "the log messages are found");
        Assert.Empty(shared);
    }

    [Fact]
    public void LogMessages_All_HaveAnId() => Assert.Empty(from message in _messages where message.Id.Length == 0 select message.Place);

    [GeneratedRegex("""\[LoggerMessage\((?:EventId = )?(?<id>\d*)(?<text>[^\n]*)""")]
    private static partial Regex Message();
}
