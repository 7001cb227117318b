using System.Text;

namespace Cortex.EndToEnd.Tests.Guide;

/// <summary>Types what the guide says, page by page, on a machine where nothing else is.</summary>
public sealed class GuideWalkTests(GuideFixture machine) : IClassFixture<GuideFixture>
{
    private const string Folder = "docs/guide/";

    // A block that only shows what was printed has no commands.
    private static readonly IReadOnlyList<(string Page, string Place, string Text)> _blocks =
    [
        .. from block in GuidePages.Blocks("sh", "bash", "console")
        where block.Place.StartsWith(Folder, StringComparison.Ordinal)
        where block.Language != "console" || block.Text.StartsWith("$ ", StringComparison.Ordinal)
        select (block.Place[Folder.Length..block.Place.IndexOf(':', StringComparison.Ordinal)], block.Place, block.Text),
    ];

    public static TheoryData<string> Pages => [.. GuideWalks.All.Where(walk => Script(walk).Length > 0).Select(walk => walk.Page)];

    [Theory]
    [MemberData(nameof(Pages))]
    public Task Commands_OfThePage_Run(string page)
    {
        var walk = GuideWalks.All.Single(each => each.Page == page);
        return machine.RunAsync(walk, Script(walk));
    }

    [Fact]
    public void Guide_HasNoCommandsThatNobodyRuns()
    {
        var pages = _blocks.Select(block => block.Page).Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(pages, GuideWalks.All.Select(walk => walk.Page).Order(StringComparer.Ordinal));
        foreach (var walk in GuideWalks.All)
        {
            var text = string.Concat(Blocks(walk).Select(block => block.Text));
            Assert.All(walk.NotRun, block => Assert.Contains(Blocks(walk), each => each.Text.StartsWith(block.Begins, StringComparison.Ordinal)));
            Assert.All(walk.Edits.Where(edit => !edit.Written.Contains("$job", StringComparison.Ordinal)), edit => Assert.Contains(edit.Written, text, StringComparison.Ordinal));
        }
    }

    private static string Script(GuideWalk walk)
    {
        var script = new StringBuilder();
        foreach (var (_, place, text) in Blocks(walk).Where(block => !walk.NotRun.Any(each => block.Text.StartsWith(each.Begins, StringComparison.Ordinal))))
        {
            var typed = text.StartsWith("$ ", StringComparison.Ordinal)
                ? string.Concat(text.Split('\n').Where(line => line.StartsWith("$ ", StringComparison.Ordinal)).Select(line => line[2..] + "\n"))
                : text;
            typed = walk.Edits.Aggregate(typed, (current, edit) => current.Replace(edit.Written, edit.Typed, StringComparison.Ordinal));
            script.AppendLine($": {place}").AppendLine(typed);
        }

        return script.ToString();
    }

    private static IEnumerable<(string Page, string Place, string Text)> Blocks(GuideWalk walk) => _blocks.Where(block => block.Page == walk.Page);
}
