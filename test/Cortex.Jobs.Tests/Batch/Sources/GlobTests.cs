using System.Diagnostics;
using System.Text;
using Cortex.Jobs.Batch.Sources;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Jobs.Tests.Batch.Sources;

public sealed class GlobTests
{
    [Theory]
    [InlineData("s3://b/*.json", "s3://b/a.json", true)]
    [InlineData("s3://b/*.json", "s3://b/d/a.json", false)]
    [InlineData("s3://b/**.json", "s3://b/d/a.json", true)]
    [InlineData("**.json", "s3://b/d/e/a.json", true)]
    [InlineData("**/a.json", "s3://b/a.json", true)]
    [InlineData("s3://b/**/a.json", "s3://b/a.json", false)]
    [InlineData("*", "", true)]
    [InlineData("*", "a/b", false)]
    [InlineData("**", "a/b", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "a/c", false)]
    [InlineData("a?c", "a😀c", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[abc]x", "bx", true)]
    [InlineData("[abc]x", "dx", false)]
    [InlineData("[!abc]x", "dx", true)]
    [InlineData("[!abc]x", "ax", false)]
    [InlineData("[a-z]x", "qx", true)]
    [InlineData("[a-z]x", "Qx", false)]
    [InlineData("[a-zA-Z0-9_]x", "_x", true)]
    [InlineData("[!0-9]", "x", true)]
    [InlineData("[!0-9]", "7", false)]
    [InlineData("[a-]", "-", true)]
    [InlineData(@"[\]]", "]", true)]
    [InlineData("{a,bc}d", "bcd", true)]
    [InlineData("{a,bc}d", "abcd", false)]
    [InlineData("{a*,b}c", "axyzc", true)]
    [InlineData("{,x}y", "y", true)]
    [InlineData("{a,{b,c}d}e", "cde", true)]
    [InlineData("{a,{b,c}d}e", "ce", false)]
    [InlineData(@"\*", "*", true)]
    [InlineData(@"\*", "a", false)]
    [InlineData(@"\{a,b\}", "{a,b}", true)]
    [InlineData("a,b}", "a,b}", true)]
    [InlineData("a***b", "a/x/b", true)]
    [InlineData("file.TXT", "file.txt", false)]
    public void IsMatch_Pattern_IsTheContracts(string pattern, string text, bool matches) => Assert.Equal(matches, Glob.Parse(pattern).IsMatch(text));

    [Theory]
    [InlineData("{a,b", "'{' is never closed (at character 1)")]
    [InlineData("x{a,{b}", "'{' is never closed (at character 2)")]
    [InlineData("a[bc", "'[' is never closed (at character 2)")]
    [InlineData("[", "'[' is never closed (at character 1)")]
    [InlineData("[]", "'[' and ']' have nothing between them (at character 1)")]
    [InlineData("[!]", "'[' and ']' have nothing between them (at character 1)")]
    [InlineData("[z-a]", "the range z-a goes backwards (at character 1)")]
    [InlineData(@"ab\", @"'\' is followed by nothing (at character 3)")]
    public void Parse_NoPattern_SaysWhatAndWhere(string pattern, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => Glob.Parse(pattern)).Message);

    [Fact]
    public void Parse_TooLong_IsRefused() => Assert.Throws<FormatException>(() => Glob.Parse(new string('*', Glob.MaxLength + 1)));

    [Fact]
    public void IsMatch_PatternThatMakesBacktrackersExplode_TakesLinearTime()
    {
        var glob = Glob.Parse(string.Concat(Enumerable.Repeat("**a", 100)) + "b");
        var clock = Stopwatch.StartNew();

        Assert.False(glob.IsMatch(new string('a', 1000)));

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }

    [Fact]
    public void IsMatch_AnyPatternAndText_AgreesWithTheNaiveMatcher()
    {
        var piece = Gen.Elements("a", "b", "/", "*", "**", "?", "[ab]", "[!a]", "[a-c]", @"\*", "{a,b}", "{a*,/b,}", "{a,{b,c}}");
        var cases =
            from pieces in piece.ArrayOf(6)
            from size in Gen.Choose(0, 6)
            from pattern in Gen.Constant(string.Concat(pieces.Take(size)))
            from text in Gen.Elements('a', 'b', 'c', '/', '*').ArrayOf(7)
            from length in Gen.Choose(0, 7)
            select (pattern, text: new string(text, 0, length));

        Prop.ForAll(cases.ToArbitrary(), run => Glob.Parse(run.pattern).IsMatch(run.text) == Naive(Expand(run.pattern), run.text))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    // Every way to choose, among the innermost alternatives, until none is left; marked, so that stars on both sides of a choice stay apart.
    private static List<string> Expand(string pattern)
    {
        var close = pattern.IndexOf('}', StringComparison.Ordinal);
        if (close < 0)
        {
            return [pattern];
        }

        var open = pattern.LastIndexOf('{', close);
        return [.. pattern[(open + 1)..close].Split(',').SelectMany(choice => Expand($"{pattern[..open]}\u0001{choice}\u0001{pattern[(close + 1)..]}"))];
    }

    private static bool Naive(List<string> patterns, string text) => patterns.Any(pattern => Naive(pattern, text));

    private static bool Naive(string pattern, string text)
    {
        if (pattern.Length == 0)
        {
            return text.Length == 0;
        }

        if (pattern[0] == '\u0001')
        {
            return Naive(pattern[1..], text);
        }

        if (pattern.StartsWith("**", StringComparison.Ordinal))
        {
            return Enumerable.Range(0, text.Length + 1).Any(taken => Naive(pattern[2..], text[taken..]));
        }

        if (pattern[0] == '*')
        {
            return Enumerable.Range(0, text.Length + 1).TakeWhile(taken => taken == 0 || text[taken - 1] != '/').Any(taken => Naive(pattern[1..], text[taken..]));
        }

        if (text.Length == 0)
        {
            return false;
        }

        var (takes, length) = pattern[0] switch
        {
            '?' => (text[0] != '/', 1),
            '\\' => (pattern[1] == text[0], 2),
            '[' when pattern.StartsWith("[ab]", StringComparison.Ordinal) => (text[0] is 'a' or 'b', 4),
            '[' when pattern.StartsWith("[!a]", StringComparison.Ordinal) => (text[0] != 'a', 4),
            '[' => (text[0] is 'a' or 'b' or 'c', 5),
            var literal => (literal == text[0], 1),
        };
        return takes && Naive(pattern[length..], text[1..]);
    }
}
