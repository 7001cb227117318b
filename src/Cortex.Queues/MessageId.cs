using System.Buffers.Binary;
using System.Globalization;

namespace Cortex.Queues;

/// <summary>
/// Names one message for ever. Written as a UUID of version 8 (RFC 9562): 60 bits of a sequence number, so that stores
/// find it without a random index, and 62 random bits, so that nobody guesses it.
/// </summary>
/// <param name="Sequence">Given by the store in rising order; 1 to 2^60 - 1.</param>
/// <param name="Secret">Random; 0 to 2^62 - 1.</param>
public readonly record struct MessageId(long Sequence, long Secret) : ISpanFormattable
{
    /// <summary>Characters of the text form.</summary>
    public const int Length = 36;

    /// <summary>The greatest sequence number.</summary>
    public const long MaxSequence = (1L << 60) - 1;

    /// <summary>The greatest random half.</summary>
    public const long MaxSecret = (1L << 62) - 1;

    /// <summary>Reads the text form, in either case. False when it is none that a store could have given.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MessageId id)
    {
        id = default;
        if (text.Length != Length || !Guid.TryParseExact(text, "D", out var guid))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        var high = BinaryPrimitives.ReadInt64BigEndian(bytes);
        var low = BinaryPrimitives.ReadInt64BigEndian(bytes[8..]);
        if (((high >> 12) & 0xF) != 8 || (low >>> 62) != 2)
        {
            return false;
        }

        id = new MessageId(((high >>> 16) << 12) | (high & 0xFFF), low & MaxSecret);
        return id.Sequence > 0;
    }

    /// <summary>The text form in lower case.</summary>
    public override string ToString() => AsGuid().ToString("D", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    string IFormattable.ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <summary>Writes the text form.</summary>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) =>
        AsGuid().TryFormat(destination, out charsWritten, "D");

    /// <summary>Writes the text form as UTF-8.</summary>
    public bool TryFormat(Span<byte> destination, out int bytesWritten) => AsGuid().TryFormat(destination, out bytesWritten, "D");

    private Guid AsGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, ((Sequence >>> 12) << 16) | 0x8000 | (Sequence & 0xFFF));
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], (2L << 62) | Secret);
        return new Guid(bytes, bigEndian: true);
    }
}
