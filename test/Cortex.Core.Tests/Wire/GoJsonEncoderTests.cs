using System.Buffers;
using System.Text;
using System.Text.Json;
using Cortex.Core.Wire;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Core.Tests.Wire;

public sealed class GoJsonEncoderTests
{
    [Theory]
    [InlineData("it's", "it's")]
    [InlineData("a+b `c` /d", "a+b `c` /d")]
    [InlineData("ü 漢 😀 \u007F \u0085", "ü 漢 😀 \u007F \u0085")]
    [InlineData("\"\\", "\\\"\\\\")]
    [InlineData("\n\r\t\b\0", "\\n\\r\\t\\u0008\\u0000")]
    [InlineData("<a>&\u2028\u2029", "\\u003ca\\u003e\\u0026\\u2028\\u2029")]
    [InlineData("😀<😀", "😀\\u003c😀")]
    public void Write_Text_IsEscapedAsGoDoes(string text, string json) => Assert.Equal($"\"{json}\"", Write(text));

    [Fact]
    public void Write_AnyText_IsReadAsItself() => Prop.ForAll<string>(text =>
    {
        text ??= "";
        var valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));   // half a pair becomes the sign for it
        return JsonSerializer.Deserialize<string>(Write(text)) == valid;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Write_LongText_IsReadAsItself()
    {
        var text = string.Concat(Enumerable.Repeat("plain 'text' \"quoted\" <tag> 😀\n", 10_000));

        Assert.Equal(text, JsonSerializer.Deserialize<string>(Write(text)));
    }

    [Fact]
    public void FindFirstCharacterToEncode_PairsOfSurrogates_AreWhole()
    {
        Assert.Equal("😀😀", GoJsonEncoder.Instance.Encode("😀😀"));
        Assert.Equal("a\\ufffd", GoJsonEncoder.Instance.Encode("a\ud83d"));
    }

    private static string Write(string text)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = GoJsonEncoder.Instance }))
        {
            json.WriteStringValue(text);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
