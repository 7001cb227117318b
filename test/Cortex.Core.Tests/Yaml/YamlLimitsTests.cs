using System.Diagnostics;
using System.Text;
using Cortex.Core.Specs;

namespace Cortex.Core.Tests.Yaml;

/// <summary>No file may cost more than its limits, however it is made.</summary>
public sealed class YamlLimitsTests(ITestOutputHelper output)
{
    private const int Million = 1024 * 1024;

    // All that is allocated on the way, most of it for a moment only.
    private const long MostAllocated = 300L * Million;

    public static TheoryData<string, string> Bombs => new()
    {
        { "size", new string('#', Million + 1) },
        { "flow depth", new string('[', Million) },
        { "flow depth of maps", string.Concat(Enumerable.Repeat("{a: ", Million / 4)) },
        { "block depth", string.Concat(Enumerable.Repeat("- ", Million / 2)) },
        { "depth of complex keys", string.Concat(Enumerable.Repeat("? ", Million / 2)) },
        { "values", string.Concat(Enumerable.Repeat("- a\n", Million / 4)) },
        { "billion laughs", Laughs("[{0}]", "lol") },
        { "billion laughs in maps", Laughs("{{a: 1, b: [{0}]}}", "lol") },
        { "long text, often", $"- &a {new string('x', 500_000)}\n" + string.Concat(Enumerable.Repeat("- *a\n", 1000)) },
        { "merge keys", $"- &a {{{string.Concat(Enumerable.Range(0, 9000).Select(i => $"k{i}: 1, "))}}}\n" + string.Concat(Enumerable.Repeat("- {<<: [*a, *a]}\n", 1000)) },
        { "depth by aliases", DeepAliases() },
    };

    [Theory, MemberData(nameof(Bombs), DisableDiscoveryEnumeration = true)]
    public void Parse_Bomb_IsRefusedSoon(string name, string yaml)
    {
        var clock = Stopwatch.StartNew();

        var before = GC.GetAllocatedBytesForCurrentThread();

        var file = ApiFileParser.Parse("bomb.yaml", yaml);

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"{name}: {allocated / Million} MiB, {clock.ElapsedMilliseconds} ms");
        Assert.True(allocated < MostAllocated, $"{name} took {allocated / Million} MiB");

        Assert.True(file.Errors.Count == 1 && file.Errors[0].Kind == "configreader.invalid_yaml", $"{name}: {file.Errors[0]}");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{name} took {clock.Elapsed}");
    }

    public static TheoryData<string, string> LargeFiles => new()
    {
        { "anchors", string.Concat(Enumerable.Range(0, 50_000).Select(i => $"- &a{i} x\n")) },
        { "quotes", "- \"" + new string('x', Million - 10) + "\"" },
        { "an open quote", "- '" + new string('x', Million - 10) },
        { "escapes", "- \"" + string.Concat(Enumerable.Repeat("\\n", (Million / 2) - 10)) + "\"" },
        { "a plain scalar", "- " + new string('x', Million - 10) },
        { "lines of a plain scalar", "- " + string.Concat(Enumerable.Repeat("x\n  ", (Million / 4) - 10)) },
        { "a comment", "#" + new string('x', Million - 10) },
        { "comments", string.Concat(Enumerable.Repeat("#\n", Million / 2)) },
        { "empty lines", new string('\n', Million) },
        { "spaces", new string(' ', Million) },
        { "tabs", "- a" + new string('\t', Million - 10) },
        { "carriage returns", new string('\r', Million) },
        { "a block scalar", "- |\n" + string.Concat(Enumerable.Repeat(" x\n", (Million / 3) - 10)) },
        { "a folded scalar", "- >\n" + string.Concat(Enumerable.Repeat(" x\n\n", (Million / 4) - 10)) },
        { "keys", "- " + string.Concat(Enumerable.Range(0, 40_000).Select(i => $"key{i}: 1\n  ")) },
        { "the same key", "- " + string.Concat(Enumerable.Repeat("a: 1\n  ", 49_000)) },
        { "a key", "- " + new string('k', Million - 10) + ": 1" },
        { "dashes", new string('-', Million) },
        { "question marks", new string('?', Million) },
        { "colons", new string(':', Million) },
        { "commas", "[" + new string(',', Million - 1) },
        { "directives", string.Concat(Enumerable.Repeat("%TAG !a! tag:a\n", 60_000)) },
        { "a tag", "- !" + new string('a', Million - 10) + " b" },
        { "an anchor", "- &" + new string('a', Million - 10) + " b" },
        { "documents", string.Concat(Enumerable.Repeat("---\n", Million / 4)) },
        { "at signs", string.Concat(Enumerable.Repeat("- @\n", 99_000)) },
        { "an image", "- name: a\n  kind: RealtimeAPI\n  pod: {containers: [{name: c, image: " + new string('a', 900_000) + "!}]}" },
        { "a name", "- name: " + new string('a', 900_000) + "!\n  kind: RealtimeAPI\n" },
        { "variables", "- name: a\n  kind: RealtimeAPI\n  pod: {containers: [{name: c, image: i, env: {" + string.Concat(Enumerable.Range(0, 40_000).Select(i => $"V{i}: 1, ")) + "}}]}" },
        { "containers", "- name: a\n  kind: RealtimeAPI\n  pod: {containers: [" + string.Concat(Enumerable.Repeat("{name: c, image: i}, ", 20_000)) + "]}" },
        { "unknown keys", "- name: a\n  kind: RealtimeAPI\n" + string.Concat(Enumerable.Range(0, 45_000).Select(i => $"  max_{i}: 1\n")) },
        { "long unknown keys", "- name: a\n  kind: RealtimeAPI\n" + string.Concat(Enumerable.Range(0, 14_000).Select(i => $"  {new string('x', 50)}{i:00000}: 1\n")) },
        { "time zones", string.Concat(Enumerable.Range(0, 999).Select(i => $"- {{name: a{i}, kind: TaskAPI, schedule: {{cron: '@daily', time_zone: 'Europe/Bberlin{i}'}}}}\n")) },
        { "many errors in one API", "- name: a\n  kind: RealtimeAPI\n  pod: {containers: [{name: c, image: i, env: {" + string.Concat(Enumerable.Range(0, 45_000).Select(i => $"V{i}: 1, ")) + "}}]}\n" },
        { "APIs", string.Concat(Enumerable.Range(0, 14_000).Select(i => $"- {{name: a{i}, kind: TrafficSplitter, apis: [{{name: b}}]}}\n")) },
    };

    [Theory, MemberData(nameof(LargeFiles), DisableDiscoveryEnumeration = true)]
    public void Parse_LargeFile_EndsSoonWithBoundedErrors(string name, string yaml)
    {
        var clock = Stopwatch.StartNew();
        var before = GC.GetAllocatedBytesForCurrentThread();

        var file = ApiFileParser.Parse("large.yaml", yaml);

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"{name}: {allocated / Million} MiB, {clock.ElapsedMilliseconds} ms");
        Assert.True(allocated < MostAllocated, $"{name} took {allocated / Million} MiB");

        Assert.InRange(file.Errors.Count, 1, 1001);
        Assert.All(file.Errors, error => Assert.True(error.ToString().Length < 2000, $"{name}: an error has {error.ToString().Length} characters"));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{name} took {clock.Elapsed}");
    }

    private static string Laughs(string format, string first)
    {
        var text = new StringBuilder($"- &a0 {first}\n");
        for (var i = 1; i < 20; i++)
        {
            text.Append($"- &a{i} ").AppendFormat(System.Globalization.CultureInfo.InvariantCulture, format, string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))).Append('\n');
        }

        return text.ToString();
    }

    private static string DeepAliases() => "- &a0 x\n" + string.Concat(Enumerable.Range(1, 200).Select(i => $"- &a{i} [*a{i - 1}]\n"));
}
