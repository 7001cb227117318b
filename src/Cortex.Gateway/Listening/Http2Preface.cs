using System.Buffers;

namespace Cortex.Gateway.Listening;

/// <summary>The bytes with which an HTTP/2 client begins (RFC 9113, section 3.4).</summary>
internal static class Http2Preface
{
    private static ReadOnlySpan<byte> Bytes => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Whether a connection's first bytes are the preface; null when there are too few to tell.</summary>
    public static bool? Match(in ReadOnlySequence<byte> start)
    {
        Span<byte> copy = stackalloc byte[Bytes.Length];
        var length = (int)Math.Min(start.Length, Bytes.Length);
        start.Slice(0, length).CopyTo(copy);
        if (!Bytes.StartsWith(copy[..length]))
        {
            return false;
        }

        return length == Bytes.Length ? true : null;
    }
}
