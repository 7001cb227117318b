using System.Buffers;
using System.Text;
using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Items;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Jobs.Tests.Batch.Items;

public sealed class JsonValueReaderTests
{
    private const int Limit = 256_000;

    [Theory]
    [InlineData("{\"a\": 1}\n{\"a\": 2}\n", new[] { "{\"a\": 1}", "{\"a\": 2}" })]
    [InlineData("1 2\t3\r\n4", new[] { "1", "2", "3", "4" })]
    [InlineData("\"x\"\"y\"{}[]null true false", new[] { "\"x\"", "\"y\"", "{}", "[]", "null", "true", "false" })]
    [InlineData("{\"a\":\n  [1,\n 2]}\n\n\n", new[] { "{\"a\":\n  [1,\n 2]}" })]
    [InlineData("\uFEFF[1]", new[] { "[1]" })]
    [InlineData("-1.50e+10", new[] { "-1.50e+10" })]
    [InlineData(" \n\t ", new string[0])]
    [InlineData("", new string[0])]
    public async Task ReadAsync_ValuesWithAnyWhitespace_AreTakenOneByOne(string text, string[] values)
    {
        foreach (var piece in new[] { 1, 3, 1000 })
        {
            Assert.Equal(values, await ReadAllAsync(Encoding.UTF8.GetBytes(text), piece));
        }
    }

    [Theory]
    [InlineData("{} {\"a\":", "item 1 of x, which begins at byte 3, is not valid JSON")]
    [InlineData("1 2 nul", "item 2 of x, which begins at byte 4, is not valid JSON")]
    [InlineData("{},{}", "item 1 of x, which begins at byte 2, is not valid JSON")]
    [InlineData("{'a': 1}", "item 0 of x, which begins at byte 0, is not valid JSON")]
    [InlineData("[1] \"abc", "item 1 of x, which begins at byte 4, is not valid JSON")]
    [InlineData("01", "item 0 of x, which begins at byte 0, is not valid JSON")]
    public async Task ReadAsync_NoJson_NamesItemAndPlace(string text, string message)
    {
        var error = await Assert.ThrowsAsync<CortexException>(() => ReadAllAsync(Encoding.UTF8.GetBytes(text), 2));

        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
        Assert.Equal("error", error.Kind);
    }

    [Fact]
    public async Task ReadAsync_NotUtf8_IsRefused()
    {
        var error = await Assert.ThrowsAsync<CortexException>(() => ReadAllAsync([(byte)'"', 0xC3, 0x28, (byte)'"'], 100));

        Assert.Contains("not UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Limit, true)]
    [InlineData(Limit + 1, false)]
    [InlineData(5_000_000, false)]
    public async Task ReadAsync_ItemAtTheLimit_IsTakenAndOverItRefused(int length, bool taken)
    {
        var bytes = Encoding.UTF8.GetBytes("1 \"" + new string('a', length - 2) + "\" 2");

        if (taken)
        {
            Assert.Equal(3, (await ReadAllAsync(bytes, 10_000)).Count);
        }
        else
        {
            var error = await Assert.ThrowsAsync<CortexException>(() => ReadAllAsync(bytes, 10_000));
            Assert.Equal("batchapi.item_size_exceeds_limit", error.Kind);
            Assert.Contains("item 1 of x", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ReadAsync_FileIsOneLargeArray_HintsAtItemsOneByOne()
    {
        var bytes = Encoding.UTF8.GetBytes("[" + string.Join(',', Enumerable.Repeat("1", Limit)) + "]");

        var error = await Assert.ThrowsAsync<CortexException>(() => ReadAllAsync(bytes, 10_000));

        Assert.Contains("not stand in one array", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_ItemLargerThanTheBuffer_IsTakenWithARaisedLimit()
    {
        var large = "[\"" + new string('b', 5_000_000) + "\"]";

        var values = await ReadAllAsync(Encoding.UTF8.GetBytes($"1 {large} 2"), 100_000, 6_000_000);

        Assert.Equal(["1", large, "2"], values);
    }

    [Fact]
    public async Task ReadAsync_MegabytesOfWhitespace_NeedNoMemory()
    {
        var bytes = new byte[8_000_000];
        Array.Fill(bytes, (byte)'\n');
        bytes[^1] = (byte)'7';

        Assert.Equal(["7"], await ReadAllAsync(bytes, 100_000));
    }

    [Fact]
    public async Task ReadAsync_ContinuedAtAnyItem_GivesTheRest()
    {
        var bytes = Encoding.UTF8.GetBytes("{\"a\": 1}\n2\n\n  [3]  \"four\" 5");
        using var whole = Reader(bytes, 4, 0, 0, Limit);
        while (await whole.ReadAsync(CancellationToken.None))
        {
            using var rest = Reader(bytes, 4, whole.Offset, whole.Count, Limit);
            while (await rest.ReadAsync(CancellationToken.None))
            {
            }

            Assert.Equal(5, rest.Count);
        }

        Assert.Equal(5, whole.Count);
    }

    [Fact]
    public void Append_AnyValue_IsCompactEscapedAndMeansTheSame()
    {
        var text = Gen.Elements("", "a b", "<&>", "\u2028\u2029", "é€😀", "\\\"", "\n\t", "\u2026").ArrayOf(3).Select(string.Concat);
        var scalar = Gen.OneOf(
            text.Select(value => JsonSerializer.Serialize(value, RelaxedJson)),
            Gen.Elements("0", "-1", "1.50", "1e5", "true", "null", "123456789012345678901234567890"));
        var space = Gen.Elements("", " ", "\n", "\t \r\n");
        var value =
            from a in scalar
            from b in scalar
            from key in text
            from s in space.ArrayOf(8)
            from shape in Gen.Choose(0, 2)
            let name = JsonSerializer.Serialize(key, RelaxedJson)
            select shape switch
            {
                0 => a,
                1 => $"[{s[0]}{a}{s[1]},{s[2]}{b}{s[3]}]",
                _ => $"{{{s[0]}{name}{s[1]}:{s[2]}[{s[3]}{a}{s[4]}]{s[5]},\"k\"{s[6]}:{s[7]}{b}}}",
            };

        Prop.ForAll(value.ToArbitrary(), json =>
        {
            var into = new ArrayBufferWriter<byte>();
            JsonCompactor.Append(Encoding.UTF8.GetBytes(json), into);
            var compact = Encoding.UTF8.GetString(into.WrittenSpan);
            using var before = JsonDocument.Parse(json);
            using var after = JsonDocument.Parse(compact);
            Assert.True(JsonElement.DeepEquals(before.RootElement, after.RootElement), compact);
            Assert.Equal(-1, compact.AsSpan().IndexOfAny("<>&\u2028\u2029"));
            Assert.Equal(WithoutSpace(json), Unescaped(compact));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    private static readonly JsonSerializerOptions RelaxedJson = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Unescaped(string compact) => compact
        .Replace(@"\u003c", "<", StringComparison.Ordinal).Replace(@"\u003e", ">", StringComparison.Ordinal).Replace(@"\u0026", "&", StringComparison.Ordinal)
        .Replace(@"\u2028", "\u2028", StringComparison.Ordinal).Replace(@"\u2029", "\u2029", StringComparison.Ordinal);

    private static string WithoutSpace(string json)
    {
        var text = new StringBuilder();
        var inString = false;
        var escaped = false;
        foreach (var character in json)
        {
            inString ^= character == '"' && !escaped;
            escaped = inString && character == '\\' && !escaped;
            text.Append(inString || !" \t\r\n".Contains(character, StringComparison.Ordinal) ? character.ToString() : "");
        }

        return Unescaped(text.ToString());
    }

    private static JsonValueReader Reader(byte[] bytes, int piece, long offset, long count, int limit)
    {
        var at = (int)offset;
        return new JsonValueReader(
            async (buffer, token) =>
            {
                await Task.Yield();
                var taken = Math.Min(Math.Min(piece, buffer.Length), bytes.Length - at);
                bytes.AsMemory(at, taken).CopyTo(buffer);
                at += taken;
                return taken;
            },
            "x",
            limit,
            offset,
            count);
    }

    private static async Task<List<string>> ReadAllAsync(byte[] bytes, int piece, int limit = Limit)
    {
        using var reader = Reader(bytes, piece, 0, 0, limit);
        var values = new List<string>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            values.Add(Encoding.UTF8.GetString(reader.Value));
            Assert.Equal(values.Count, reader.Count);
        }

        return values;
    }
}
