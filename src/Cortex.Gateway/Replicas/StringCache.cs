using System.Text;

namespace Cortex.Gateway.Replicas;

/// <summary>
/// Turns the Latin-1 bytes of header names and values into strings, and gives the same string again for bytes that
/// repeat. Fixed size; a new text replaces an old one. Safe to share: a lost race costs one string.
/// </summary>
internal sealed class StringCache
{
    private const int Slots = 64;   // an answer has some ten headers
    private const int MaxLength = 128;
    private readonly string?[] _strings = new string?[Slots];

    public string Get(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return "";
        }

        if (bytes.Length > MaxLength)
        {
            return Encoding.Latin1.GetString(bytes);
        }

        var hash = (uint)bytes.Length;
        foreach (var b in bytes)
        {
            hash = (hash * 31) + b;
        }

        ref var slot = ref _strings[(hash ^ (hash >> 16)) % Slots];
        var known = slot;
        if (known is not null && known.Length == bytes.Length && IsSame(known, bytes))
        {
            return known;
        }

        return slot = Encoding.Latin1.GetString(bytes);
    }

    private static bool IsSame(string text, ReadOnlySpan<byte> bytes)
    {
        Span<char> chars = stackalloc char[MaxLength];
        var written = Encoding.Latin1.GetChars(bytes, chars);
        return text.AsSpan().SequenceEqual(chars[..written]);
    }
}
