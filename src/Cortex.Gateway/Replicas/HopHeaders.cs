using System.Text;
using Microsoft.Extensions.Primitives;

namespace Cortex.Gateway.Replicas;

/// <summary>Which headers belong to a connection instead of to the message (RFC 9110, section 7.6.1).</summary>
public static class HopHeaders
{
    /// <summary>What a header of an answer means.</summary>
    public static HeaderKind Classify(ReadOnlySpan<byte> name) => name.Length switch
    {
        7 when name.SequenceEqualIgnoreCase("Upgrade"u8) => HeaderKind.Upgrade,
        7 when name.SequenceEqualIgnoreCase("Trailer"u8) => HeaderKind.Hop,
        10 when name.SequenceEqualIgnoreCase("Connection"u8) => HeaderKind.Connection,
        10 when name.SequenceEqualIgnoreCase("Keep-Alive"u8) => HeaderKind.Hop,
        14 when name.SequenceEqualIgnoreCase("Content-Length"u8) => HeaderKind.ContentLength,
        15 when name.SequenceEqualIgnoreCase("X-Cortex-Origin"u8) => HeaderKind.Own,
        16 when name.SequenceEqualIgnoreCase("Proxy-Connection"u8) => HeaderKind.Hop,
        17 when name.SequenceEqualIgnoreCase("Transfer-Encoding"u8) => HeaderKind.TransferEncoding,
        18 when name.SequenceEqualIgnoreCase("Proxy-Authenticate"u8) => HeaderKind.Hop,
        _ => HeaderKind.EndToEnd,
    };

    /// <summary>What a header of a request means.</summary>
    public static HeaderKind ClassifyRequest(string name) => name.Length switch
    {
        2 when Is(name, "TE") => HeaderKind.Hop,
        4 when Is(name, "Host") => HeaderKind.Own,
        7 when Is(name, "Upgrade") => HeaderKind.Upgrade,
        7 when Is(name, "Trailer") => HeaderKind.Hop,
        10 when Is(name, "Connection") => HeaderKind.Connection,
        10 when Is(name, "Keep-Alive") => HeaderKind.Hop,
        12 when Is(name, "X-Request-ID") => HeaderKind.Own,
        14 when Is(name, "Content-Length") => HeaderKind.ContentLength,
        14 when Is(name, "HTTP2-Settings") => HeaderKind.Hop,
        15 when Is(name, "X-Forwarded-For") => HeaderKind.Own,
        16 when Is(name, "X-Forwarded-Host") => HeaderKind.Own,
        16 when Is(name, "Proxy-Connection") => HeaderKind.Hop,
        17 when Is(name, "X-Forwarded-Proto") => HeaderKind.Own,
        17 when Is(name, "Transfer-Encoding") => HeaderKind.TransferEncoding,
        17 when Is(name, "X-Cortex-API-Name") => HeaderKind.Hop,
        19 when Is(name, "Proxy-Authorization") => HeaderKind.Hop,
        23 when Is(name, "X-Cortex-Target-Service") => HeaderKind.Hop,
        _ => HeaderKind.EndToEnd,
    };

    /// <summary>Whether a Connection header has an option.</summary>
    public static bool HasOption(StringValues connection, ReadOnlySpan<char> option)
    {
        foreach (var value in connection)
        {
            var text = value.AsSpan();
            foreach (var range in text.Split(','))
            {
                if (text[range].Trim(" \t").Equals(option, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether an answer's Connection headers name a header.</summary>
    internal static bool IsNamed(ResponseHead head, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> name)
    {
        foreach (var field in head.Fields)
        {
            if (field.Kind != HeaderKind.Connection)
            {
                continue;
            }

            var value = field.Value(bytes);
            foreach (var range in value.Split((byte)','))
            {
                if (value[range].Trim(" \t"u8).SequenceEqualIgnoreCase(name))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Compares ASCII bytes without regard to case.</summary>
    public static bool SequenceEqualIgnoreCase(this ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        Ascii.EqualsIgnoreCase(left, right);

    private static bool Is(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);
}
