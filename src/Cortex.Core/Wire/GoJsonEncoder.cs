using System.Buffers;
using System.Text.Encodings.Web;

namespace Cortex.Core.Wire;

/// <summary>
/// Escapes in JSON what Go escapes, as Cortex 0.42 did: control characters, quotes, backslashes, <c>&lt;</c>, <c>&gt;</c>, <c>&amp;</c>, U+2028 and U+2029.
/// Everything else, apostrophes and letters of every language among it, stays itself.
/// </summary>
public sealed class GoJsonEncoder : JavaScriptEncoder
{
    private const string Hex = "0123456789abcdef";
    private static readonly SearchValues<char> s_escaped = SearchValues.Create([.. Enumerable.Range(0, 32).Select(code => (char)code), '"', '\\', '<', '>', '&', '\u2028', '\u2029']);

    // Halves of a surrogate pair are looked at together.
    private static readonly SearchValues<char> s_special =
        SearchValues.Create([.. Enumerable.Range(0, 32).Select(code => (char)code), '"', '\\', '<', '>', '&', '\u2028', '\u2029', .. Enumerable.Range(0xD800, 0x800).Select(code => (char)code)]);

    private GoJsonEncoder()
    {
    }

    /// <summary>The encoder.</summary>
    public static GoJsonEncoder Instance { get; } = new();

    /// <inheritdoc/>
    public override int MaxOutputCharactersPerInputCharacter => 12;

    /// <inheritdoc/>
    public override bool WillEncode(int unicodeScalar) => unicodeScalar <= char.MaxValue && s_escaped.Contains((char)unicodeScalar);

    /// <inheritdoc/>
    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var all = new ReadOnlySpan<char>(text, textLength);
        for (var at = 0; ; at += 2)
        {
            var found = all[at..].IndexOfAny(s_special);
            if (found < 0)
            {
                return -1;
            }

            at += found;
            if (!char.IsHighSurrogate(all[at]) || at + 1 == all.Length || !char.IsLowSurrogate(all[at + 1]))
            {
                return at;
            }
        }
    }

    /// <inheritdoc/>
    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var text = Escape(unicodeScalar);
        var fits = text.TryCopyTo(new Span<char>(buffer, bufferLength));
        numberOfCharactersWritten = fits ? text.Length : 0;
        return fits;
    }

    private static string Escape(int scalar) => scalar switch
    {
        '"' => "\\\"",
        '\\' => @"\\",
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        <= char.MaxValue => Escape((char)scalar),
        _ => string.Concat(char.ConvertFromUtf32(scalar).Select(Escape)),
    };

    private static string Escape(char unit) => $@"\u{Hex[unit >> 12]}{Hex[(unit >> 8) & 15]}{Hex[(unit >> 4) & 15]}{Hex[unit & 15]}";
}
