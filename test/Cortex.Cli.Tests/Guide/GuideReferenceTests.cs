using System.Text.Json;
using System.Text.RegularExpressions;
using Cortex.Cli.Async;
using Cortex.Cli.Commands;
using Cortex.Client;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Guide;

/// <summary>What the guide lists is all that there is: pages, metrics, statuses.</summary>
public sealed partial class GuideReferenceTests
{
    [Fact]
    public void Index_LeadsToEveryPage()
    {
        var index = GuidePages.Read("docs/guide/README.md");
        var pages = GuidePages.All.Where(page => page.StartsWith("docs/guide/", StringComparison.Ordinal)).Select(page => page["docs/guide/".Length..]).Where(page => page != "README.md");

        Assert.All(pages, page => Assert.Matches($@"\]\({Regex.Escape(page)}[#)]", index));
    }

    [Fact]
    public void Links_WithinTheGuide_LeadToAHeading()
    {
        var wrong = new List<string>();
        foreach (var page in GuidePages.All)
        {
            foreach (var link in Link().Matches(GuidePages.Read(page)).Select(match => match.Groups))
            {
                var target = link[1].Length == 0 ? page : Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, link[1].Value)));
                if (GuidePages.Has(target) && !Heading().Matches(GuidePages.Read(target)).Any(heading => Anchor(heading.Groups[1].Value) == link[2].Value))
                {
                    wrong.Add($"{page}: {link[0].Value}");
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Metrics_OfTheGuide_AreThoseOfTheSource()
    {
        static HashSet<string> Names(IEnumerable<string> texts) => [.. texts.SelectMany(text => Metric().Matches(text).Select(match => HistogramSuffix().Replace(match.Value, "")))];
        var written = Names(Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        var told = Names(GuidePages.All.Where(page => page.StartsWith("docs/guide/", StringComparison.Ordinal)).Select(GuidePages.Read));

        Assert.True(written.Count > 20, $"only {written.Count} metrics were found");
        Assert.Empty(told.Except(written));
        Assert.Empty(written.Except(told));
    }

    [Fact]
    public void ReplicaStatuses_AreThoseOfTheAnswer()
    {
        var page = GuidePages.Read("docs/guide/workloads/realtime/statuses.md");
        var keys = typeof(ReplicaCounts).GetProperties().Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name.Replace("OOM", "Oom", StringComparison.Ordinal))).Where(key => key != "node_groups");

        Assert.Equal(keys.Order(), FirstCode().Matches(page).Select(row => row.Groups[2].Value).Order());
    }

    [Theory]
    [InlineData("docs/guide/workloads/batch/statuses.md", new string[0])]
    [InlineData("docs/guide/workloads/task/statuses.md", new[] { "enqueuing", "completed_with_failures", "enqueue_failed" })]
    public void JobStatuses_AreThoseOfTheSource_WithTheirWordsAndExitCodes(string page, string[] ofBatchJobsOnly)
    {
        var codes = JobStatusCode().Matches(GuidePages.Read("src/Cortex.Jobs/JobStatusCodes.cs")).Select(match => match.Groups[1].Value).Except(ofBatchJobsOnly).ToArray();
        var rows = GuidePages.Read(page).Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|').Select(cell => cell.Trim()).ToArray()).ToArray();

        Assert.True(codes.Length > 7, $"only {codes.Length} statuses were found");
        Assert.Equal(codes.Order(), rows.Select(row => row[1].Trim('`')).Order());
        Assert.All(rows, row =>
        {
            var code = row[1].Trim('`');
            Assert.Equal(JobStatusText.Of(code), row[2]);
            using var json = JsonDocument.Parse($$"""{"status": "{{code}}"}""");
            var isFinal = new Job(json.RootElement).IsFinal;
            Assert.Equal(isFinal ? "yes" : "no", row[3]);
            Assert.EndsWith(isFinal ? $"{JobWait.ExitCode(json.RootElement)}" : "", row[4], StringComparison.Ordinal);
        });
    }

    [Fact]
    public void RequestStatuses_AreThoseOfTheCommandLine()
    {
        var page = GuidePages.Read("docs/guide/workloads/async/statuses.md");

        Assert.Equal(AsyncOptions.Statuses, page.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1]));
    }

    // As GitHub makes it: lower case, dashes for spaces, no other marks.
    private static string Anchor(string heading) => Marks().Replace(LinkText().Replace(heading, "$1").ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\(([\w./-]*\.md)?#([^)]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#{1,6} (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkText();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Marks();

    [GeneratedRegex(@"\bcortex_(?!policy_arn|[a-z_]*_not_)[a-z_]*[a-z]\b")]
    private static partial Regex Metric();

    [GeneratedRegex("(?<!request)_(bucket|sum|count)$")]
    private static partial Regex HistogramSuffix();

    [GeneratedRegex(@"^\| (\w+) \| `(\w+)`", RegexOptions.Multiline)]
    private static partial Regex FirstCode();

    [GeneratedRegex("=> \"([a-z_]+)\"")]
    private static partial Regex JobStatusCode();
}
