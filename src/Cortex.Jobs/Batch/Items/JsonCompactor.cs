using System.Buffers;

namespace Cortex.Jobs.Batch.Items;

/// <summary>
/// Takes the whitespace out of a JSON value and writes <c>&lt;</c>, <c>&gt;</c>, <c>&amp;</c>, U+2028 and U+2029 as <c>\u</c> escapes. Everything else stays byte
/// for byte: numbers keep their digits.
/// </summary>
internal static class JsonCompactor
{
    private static readonly SearchValues<byte> Touched = SearchValues.Create((byte[])[(byte)' ', (byte)'\t', (byte)'\r', (byte)'\n', (byte)'<', (byte)'>', (byte)'&', 0xE2]);
    private static readonly SearchValues<byte> OutsideStrings = SearchValues.Create(" \t\r\n\""u8);
    private static readonly SearchValues<byte> InsideStrings = SearchValues.Create((byte[])[(byte)'"', (byte)'\\', (byte)'<', (byte)'>', (byte)'&', 0xE2]);

    /// <summary>Appends a value that is known to be valid JSON in valid UTF-8.</summary>
    public static void Append(ReadOnlySpan<byte> value, ArrayBufferWriter<byte> into)
    {
        if (!value.ContainsAny(Touched))
        {
            into.Write(value);
            return;
        }

        var inString = false;
        while (value.IndexOfAny(inString ? InsideStrings : OutsideStrings) is >= 0 and var found)
        {
            into.Write(value[..found]);
            var taken = 1;
            switch (value[found])
            {
                case (byte)'"':
                    inString = !inString;
                    into.Write("\""u8);
                    break;
                case (byte)'\\':
                    taken = 2;
                    into.Write(value.Slice(found, 2));
                    break;
                case (byte)'<':
                    into.Write(@"\u003c"u8);
                    break;
                case (byte)'>':
                    into.Write(@"\u003e"u8);
                    break;
                case (byte)'&':
                    into.Write(@"\u0026"u8);
                    break;
                case 0xE2:
                    // U+2028 is E2 80 A8, U+2029 is E2 80 A9; other characters begin with E2 too.
                    taken = 3;
                    var character = value.Slice(found, 3);
                    into.Write(character.SequenceEqual("\u2028"u8) ? @"\u2028"u8 : character.SequenceEqual("\u2029"u8) ? @"\u2029"u8 : character);
                    break;
            }

            value = value[(found + taken)..];
        }

        into.Write(value);
    }
}
