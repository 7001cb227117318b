using System.Text.RegularExpressions;
using Cortex.Core.Clusters;
using Cortex.Core.Specs;

namespace Cortex.Cli.Tests.Guide;

/// <summary>A sentence that says what is missing grows false the day that it comes. So each has a fact here that ends with it.</summary>
public sealed partial class GuideSentenceTests
{
    /// <summary>What stands in a line that says so, and whether it still is so.</summary>
    private static readonly (string Page, string Text, Func<bool> IsTrue)[] _known =
    [
        ("README.md", "## What works and what does not yet", () => true),
        ("README.md", "| Kubernetes, several machines | not yet |", HasNoKubernetes),
        ("README.md", "| TLS | not built in:", HasNoTls),
        ("README.md", "| dashboard | not yet |", () => !GuidePages.Has("dashboard")),
        ("docs/guide/from-cortex-0.42.md", "left out until there is a dashboard", () => !GuidePages.Has("dashboard")),
        ("docs/guide/clusters/auth.md", "**Not yet:** authentication of callers", () => !HasKeyLike("auth", "caller", "login", "api_key")),
        ("docs/guide/clusters/multi-instance.md", "**Not yet:** a cluster of several machines", HasNoKubernetes),
        ("docs/guide/clusters/spot.md", "**Not yet:** machines that come and go", HasNoKubernetes),
        ("docs/guide/clusters/kubectl.md", "**Not yet:** Kubernetes", HasNoKubernetes),
        ("docs/guide/clusters/https.md", "**Not yet:** TLS in the gateway", HasNoTls),
        ("docs/guide/clusters/alerting.md", "**Not yet:** alerts of its own", () => !HasKeyLike("alert")),
        ("docs/guide/clusters/metrics.md", "**Not yet:** dashboards", () => !GuidePages.Has("dashboard") && !GuidePages.Has("dashboards")),
        ("docs/guide/clusters/metrics.md", "**Not yet:** StatsD", () => !HasKeyLike("statsd")),
    ];

    private static bool HasNoKubernetes() => !GuidePages.Has("src/Cortex.Runtimes/Kubernetes") && !GuidePages.Has("src/Cortex.Runtimes.Kubernetes");

    private static bool HasNoTls() => !HasKeyLike("tls");

    // Any key with an effect, of a cluster's or an API's file, with one of these in its name.
    private static bool HasKeyLike(params string[] words) => (ClusterReference.Write() + ApiReference.Write()).Split('\n')
        .Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1]).Any(key => words.Any(word => key.Contains(word, StringComparison.Ordinal)));

    [Fact]
    public void Sentences_OfWhatIsMissing_AreKnownAndTrue()
    {
        var found = GuidePages.All.SelectMany(page => GuidePages.Read(page).Split('\n')
            .Select((line, index) => (Page: page, Line: line, Number: index + 1))
            .Where(each => Missing().IsMatch(each.Line))).ToArray();

        // Either it is false, or it needs a fact above.
        Assert.Empty(found.Where(each => !_known.Any(known => known.Page == each.Page && each.Line.Contains(known.Text, StringComparison.Ordinal))).Select(each => $"{each.Page}:{each.Number}: {each.Line}"));

        // The fact has changed: mend the sentence.
        Assert.Empty(_known.Where(known => !known.IsTrue()).Select(known => $"{known.Page}: {known.Text}"));

        // The sentence is gone: its fact may go, too.
        Assert.Empty(_known.Where(known => !found.Any(each => each.Page == known.Page && each.Line.Contains(known.Text, StringComparison.Ordinal))).Select(known => known.Text));
    }

    [Theory]
    [InlineData("The others are checked just as strictly, and refused when deployed.", true)]
    [InlineData("An API with zero replicas answers this too, as nothing wakes it yet.", true)]
    [InlineData("BatchAPIs are refused.", true)]
    [InlineData("runs all of them but the splitter", true)]
    [InlineData("There is no dashboard yet.", true)]
    [InlineData("the request is not done yet", false)]
    [InlineData("a submission that is too large is refused", false)]
    [InlineData("no process of it has run yet", false)]
    public void Missing_Sentence_IsTold(string sentence, bool isOne) => Assert.Equal(isOne, Missing().IsMatch(sentence));

    [GeneratedRegex(
        @"\bnot yet\b|\bdoes not yet\b|\b(nothing|nobody) \w+ \w+ yet\b|\bthere (is|are) no \w+ yet\b|\b(is|are) not (built in|supported|implemented|there) ?(yet)?\b|\bnot built in\b"
        + @"|\buntil there is an?\b|\bstill to come\b|\brefused when deployed\b|\bkinds?\b.*\brefused\b|\b(Realtime|Async|Batch|Task) ?APIs?\b (is|are) refused|\bbut the (splitter|batch|task)\b|\bthis version (runs|has no)\b",
        RegexOptions.IgnoreCase)]
    private static partial Regex Missing();
}
