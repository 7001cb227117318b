using System.Text;
using Cortex.Gateway.Replicas;

namespace Cortex.Gateway.Serving;

/// <summary>
/// Reads Connection headers so that the names in them survive. Kestrel replaces a Connection header that has one of
/// its own options (keep-alive, close, upgrade) by that option alone, and the header that another option names would
/// be passed on. It leaves the header alone when it finds two of them: a header with foreign options gets both
/// keep-alive and close, of which close wins. Such connections end after their request.
/// </summary>
internal sealed class ConnectionHeaderEncoding : Encoding
{
    private const string Mark = ", keep-alive, close";

    /// <summary>The encoding of a request header.</summary>
    public static Encoding Select(string header) =>
        header.Equals("Connection", StringComparison.OrdinalIgnoreCase) ? Instance
        : header.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) ? LengthHeaderEncoding.Instance
        : Latin1;

    private static ConnectionHeaderEncoding Instance { get; } = new();

    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) =>
        count + (NamesHeaders(bytes.AsSpan(index, count)) ? Mark.Length : 0);

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        var written = Latin1.GetChars(bytes, byteIndex, byteCount, chars, charIndex);
        if (NamesHeaders(bytes.AsSpan(byteIndex, byteCount)))
        {
            Mark.CopyTo(chars.AsSpan(charIndex + written));
            written += Mark.Length;
        }

        return written;
    }

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => byteCount + Mark.Length;

    private static bool NamesHeaders(ReadOnlySpan<byte> value)
    {
        foreach (var range in value.Split((byte)','))
        {
            var option = value[range].Trim(" \t"u8);
            if (!option.IsEmpty && !option.SequenceEqualIgnoreCase("close"u8)
                && HopHeaders.ClassifyRequest(Latin1.GetString(option)) is HeaderKind.EndToEnd or HeaderKind.Own)
            {
                return true;
            }
        }

        return false;
    }
}
