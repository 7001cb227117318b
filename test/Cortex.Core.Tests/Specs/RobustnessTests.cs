using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Cortex.Core.Clusters;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Core.Tests.Specs;

/// <summary>No input crashes or hangs the parsers.</summary>
public sealed class RobustnessTests(ITestOutputHelper output)
{
    private static readonly string[] s_snippets =
    [
        "\n", "  ", "- ", ": ", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "<<: *a", "|\n", ">-\n", "'", "\"", "#", "---\n", "...\n", "!!int ", "!x ", "%YAML 1.1\n",
        "@", "`", "~", "null", "yes", "010", "1e400", "-.inf", ".nan", "99999999999999999999", "\t", "\r", "\0", "\u0085", "\u2028", "\uFEFF", "\uE000", "\ud800", "ü",
        "name: ", "kind: ", "RealtimeAPI", "TrafficSplitter", "pod: ", "containers: ", "apis: ", "compute: ", "cpu: ", "1Gi", "25%", "$(A)",
    ];

    [Fact]
    public void Parse_AnyText_GivesAResult() => Prop.ForAll<string>(text => AssertParses(text ?? "")).QuickCheckThrowOnFailure();

    [Fact]
    public void Parse_AnyMixOfSnippets_GivesAResult() =>
        Prop.ForAll(Gen.Elements(s_snippets).ListOf().Select(string.Concat).ToArbitrary(), AssertParses).QuickCheckThrowOnFailure();

    /// <summary>Mutates valid files for about 3 s; <c>CORTEX_FUZZ_SECONDS</c> makes it longer, <c>CORTEX_FUZZ_SEED</c> other.</summary>
    [Fact]
    public void Parse_MutatedFiles_GiveAResult()
    {
        var seed = Setting("CORTEX_FUZZ_SEED", 1);
        var duration = TimeSpan.FromSeconds(Setting("CORTEX_FUZZ_SECONDS", 3));
        var random = new Random(seed);
        var clock = Stopwatch.StartNew();
        var slowest = TimeSpan.Zero;
        var largest = 0L;
        var count = 0;
        for (; count < 50 || clock.Elapsed < duration; count++)   // so many also on a busy machine
        {
            var text = Mutate(count % 4 == 3 ? Samples.Cluster : Samples.Everything, random);
            var before = clock.Elapsed;
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                AssertParses(text);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"seed {seed}, file {count}:\n{text}", exception);
            }

            largest = Math.Max(largest, GC.GetAllocatedBytesForCurrentThread() - allocated);
            slowest = clock.Elapsed - before > slowest ? clock.Elapsed - before : slowest;
        }

        output.WriteLine($"{count} files, the slowest took {slowest.TotalMilliseconds:F0} ms, the largest {largest / 1024} KiB");
        Assert.True(largest < 64 * 1024 * 1024, $"a file took {largest} bytes");
        Assert.True(slowest < TimeSpan.FromSeconds(20), $"a file took {slowest}");
    }

    [Fact]
    public void Parse_OwnEcho_GivesTheSameSpec()
    {
        var file = ApiFileParser.Parse("all.yaml", Samples.Everything);

        foreach (var api in file.Apis)
        {
            // JSON is YAML: what was submitted, written as JSON, must mean the same.
            var again = Assert.Single(ApiFileParser.Parse("all.yaml", $"[{api.SubmittedApiSpec.GetRawText()}]").Apis);
            Assert.Equal(SpecHash.SpecId(api), SpecHash.SpecId(again));
        }
    }

    private static void AssertParses(string text)
    {
        var file = ApiFileParser.Parse("f.yaml", text);
        Assert.Equal(file.Errors.Count == 0, file.IsValid);
        Assert.True(file.Apis.Count > 0 || file.Errors.Count > 0);
        Assert.All(file.Errors, error =>
        {
            Assert.NotEmpty(error.Kind);
            Assert.NotEmpty(error.Detail);
            Assert.True(error.Line >= 0 && error.Column >= 0);
            Assert.DoesNotContain('\n', error.ToString());
        });
        foreach (var api in file.Apis)
        {
            Assert.Equal(32, SpecHash.SpecId(api).Length);
            var wire = DeployedSpec.From(api, "i", "s", "p", "", 0, 0, "", "");
            Assert.NotEmpty(JsonSerializer.Serialize(wire, WireJson.Contract.DeployedSpec));
        }

        var view = new ClusterView([], [new("cpu", "local", 1000, 1 << 30)]);
        Assert.True(ClusterValidator.Validate(file, view).Count >= file.Errors.Count);
        var cluster = ClusterConfigParser.Parse("c.yaml", text);
        Assert.True(cluster.Config is null == cluster.Errors.Count > 0);
        Assert.Equal(JsonValueKind.Object, (cluster.Config ?? new ClusterConfig()).ToInfo("1", "o", "c", false).ValueKind);
    }

    private static string Mutate(string text, Random random)
    {
        var result = new StringBuilder(text);
        for (var i = random.Next(1, 6); i > 0 && result.Length > 0; i--)
        {
            var at = random.Next(result.Length);
            var length = Math.Min(random.Next(1, 40), result.Length - at);
            switch (random.Next(6))
            {
                case 0:
                    result.Remove(at, length);
                    break;
                case 1:
                    result.Insert(at, s_snippets[random.Next(s_snippets.Length)]);
                    break;
                case 2:
                    result[at] = (char)random.Next(0, 256);
                    break;
                case 3:
                    result.Insert(random.Next(result.Length), result.ToString(at, length));
                    break;
                case 4:
                    result.Length = at;
                    break;
                default:
                    ReplaceLine(result, random);
                    break;
            }
        }

        return result.ToString();
    }

    // Another value for one key: the mutations that get deepest.
    private static void ReplaceLine(StringBuilder text, Random random)
    {
        var lines = text.ToString().Split('\n');
        var line = random.Next(lines.Length);
        var colon = lines[line].IndexOf(": ", StringComparison.Ordinal);
        lines[line] = colon >= 0
            ? lines[line][..(colon + 2)] + s_snippets[random.Next(s_snippets.Length)]
            : lines[random.Next(lines.Length)];
        text.Clear().AppendJoin('\n', lines);
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
