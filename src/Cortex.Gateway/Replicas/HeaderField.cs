namespace Cortex.Gateway.Replicas;

/// <summary>The place of one header field in the bytes of a head.</summary>
internal readonly record struct HeaderField(HeaderKind Kind, int NameStart, int NameLength, int ValueStart, int ValueLength)
{
    public ReadOnlySpan<byte> Name(ReadOnlySpan<byte> head) => head.Slice(NameStart, NameLength);

    public ReadOnlySpan<byte> Value(ReadOnlySpan<byte> head) => head.Slice(ValueStart, ValueLength);
}
