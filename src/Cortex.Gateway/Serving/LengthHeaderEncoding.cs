using System.Text;

namespace Cortex.Gateway.Serving;

/// <summary>
/// Reads Content-Length headers so that only digits pass for a number. Kestrel takes a sign, too, and keeps nothing but
/// the number, though another reader may see none in <c>+3</c>.
/// </summary>
internal sealed class LengthHeaderEncoding : Encoding
{
    public static LengthHeaderEncoding Instance { get; } = new();

    public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        var count = Latin1.GetChars(bytes, chars);
        if (count > 0 && chars[0] is '+' or '-')
        {
            chars[0] = 'x';   // no number to anybody
        }

        return count;
    }

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
        GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

    public override int GetByteCount(char[] chars, int index, int count) => count;

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) => count;

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => byteCount;
}
