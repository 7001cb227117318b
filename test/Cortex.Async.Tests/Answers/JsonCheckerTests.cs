using System.Text;
using System.Text.Json;
using Cortex.Async.Answers;

namespace Cortex.Async.Tests.Answers;

public sealed class JsonCheckerTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData(" [ ] \r\n\t")]
    [InlineData("null")]
    [InlineData("-0.5e+10")]
    [InlineData("0")]
    [InlineData("12 ")]
    [InlineData("\"\"")]
    [InlineData("\"\\u00e4\\n\\\"ä€😀\"")]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"a\":[1,2.0,{\"b\":null}],\"a\":true,\"\":false}")]
    public void Read_OneValue_IsWhole(string text) => Assert.True(IsJson(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData(new byte[] { 0xEF, 0xBB, 0xBF, 0x7B, 0x7D }, "byte 1, line 1: it begins with a byte order mark")]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x7B, 0x00 }, "byte 1, line 1: it is encoded as UTF-16")]
    [InlineData(new byte[] { 0x7B, 0x00, 0x7D, 0x00 }, "byte 2, line 1: it is encoded as UTF-16")]
    [InlineData(new byte[] { 0x00, 0x7B, 0x00, 0x7D }, "byte 1, line 1: it is encoded as UTF-16")]
    [InlineData(new byte[] { 0x0A, 0x22, 0x61, 0xE9, 0x22 }, "line 2: a string is not UTF-8 (0xE9), but perhaps Latin-1")]
    [InlineData(new byte[] { 0x22, 0x80, 0x22 }, "byte 2, line 1: a string is not UTF-8 (0x80)")]
    [InlineData(new byte[] { 0x22, 0x0A, 0x22 }, "byte 2, line 1: a control character (0x0A)")]
    public void Read_NotJson_SaysByteLineAndReason(byte[] bytes, string problem)
    {
        foreach (var step in new[] { bytes.Length, 1 })
        {
            var checker = new JsonChecker();
            var isGood = true;
            for (var i = 0; i < bytes.Length && isGood; i += step)
            {
                isGood = checker.Read(bytes.AsSpan(i, Math.Min(step, bytes.Length - i)));
            }

            Assert.False(isGood);
            Assert.Contains(problem, checker.Problem, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("{")]
    [InlineData("[1,]")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{\"a\"}")]
    [InlineData("{a:1}")]
    [InlineData("[1}")]
    [InlineData("01")]
    [InlineData("-")]
    [InlineData("1.")]
    [InlineData("1e")]
    [InlineData("+1")]
    [InlineData("tru")]
    [InlineData("True")]
    [InlineData("NaN")]
    [InlineData("\"\t\"")]
    [InlineData("\"\\x\"")]
    [InlineData("\"\\u12g4\"")]
    [InlineData("{} {}")]
    [InlineData("{}x")]
    [InlineData("1 2")]
    [InlineData("<html>")]
    [InlineData("'a'")]
    [InlineData("//c\n{}")]
    [InlineData("\uFEFF{}")]
    public void Read_SomethingElse_IsNotWhole(string text) => Assert.False(IsJson(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData(new byte[] { 0x80 })]                     // a continuation alone
    [InlineData(new byte[] { 0xC0, 0xAF })]               // overlong
    [InlineData(new byte[] { 0xE0, 0x80, 0x80 })]         // overlong
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]         // a surrogate
    [InlineData(new byte[] { 0xF0, 0x80, 0x80, 0x80 })]   // overlong
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 })]   // beyond Unicode
    [InlineData(new byte[] { 0xF5, 0x80, 0x80, 0x80 })]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xC3 })]                     // cut short
    [InlineData(new byte[] { 0xE4 })]                     // Latin-1
    public void Read_BadUtf8InString_IsNotWhole(byte[] text) => Assert.False(IsJson([(byte)'"', .. text, (byte)'"']));

    [Fact]
    public void Read_NestedToTheLimit_IsWholeAndNoDeeper()
    {
        Assert.True(IsJson(Encoding.UTF8.GetBytes(new string('[', 1000) + new string(']', 1000))));
        Assert.False(IsJson(Encoding.UTF8.GetBytes(new string('[', 1001) + new string(']', 1001))));
    }

    [Fact]
    public void Read_AnySplit_GivesTheSame()
    {
        var text = Encoding.UTF8.GetBytes("""{"name":"ä€😀\u00e4\"","list":[1,-2.5e-7,true,null,{"x":{}}],"z":0}""");
        for (var first = 0; first <= text.Length; first++)
        {
            for (var second = first; second <= text.Length; second++)
            {
                var checker = new JsonChecker();
                Assert.True(checker.Read(text.AsSpan(0, first)));
                Assert.True(checker.Read(text.AsSpan(first, second - first)));
                Assert.True(checker.Read(text.AsSpan(second)));
                Assert.True(checker.IsWhole);
            }
        }
    }

    [Fact]
    public void Read_RandomChanges_AgreesWithTheLibrarysReader()
    {
        var random = new Random(20240607);
        var seeds = new[] { """{"a":[1,2.5,-3e4,"x\u0041\n"],"b":{"c":true,"d":null}}""", """[[[]],{},"é",0,-0.0]""", "\"abc\"", "123", " false " };
        var alphabet = "{}[]\",:\\ \n0123456789.eE+-tfnrulasu/x\u0001é"u8.ToArray();
        var whole = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var text = Encoding.UTF8.GetBytes(seeds[random.Next(seeds.Length)]).ToList();
            for (var change = random.Next(4); change > 0 && text.Count > 0; change--)
            {
                var place = random.Next(text.Count);
                switch (random.Next(3))
                {
                    case 0:
                        text.RemoveAt(place);
                        break;
                    case 1:
                        text[place] = alphabet[random.Next(alphabet.Length)];
                        break;
                    default:
                        text.Insert(place, alphabet[random.Next(alphabet.Length)]);
                        break;
                }
            }

            var bytes = text.ToArray();
            var expected = IsJsonForLibrary(bytes);
            whole += expected ? 1 : 0;
            Assert.True(expected == IsJson(bytes), Encoding.UTF8.GetString(bytes));
        }

        Assert.InRange(whole, 5_000, 45_000);
    }

    private static bool IsJson(byte[] bytes)
    {
        var checker = new JsonChecker();
        return checker.Read(bytes) && checker.IsWhole;
    }

    /// <summary>The library's reader does not look at the UTF-8 of strings.</summary>
    private static bool IsJsonForLibrary(byte[] bytes)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = 1000 });
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
