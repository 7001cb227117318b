namespace Cortex.Queues;

/// <summary>Bytes of a message or of its result: small ones inline, large ones in the blob store.</summary>
public readonly record struct Body
{
    private Body(ReadOnlyMemory<byte> inline, string? blob, long length)
    {
        Inline = inline;
        Blob = blob;
        Length = length;
    }

    /// <summary>The bytes; empty when they are in the blob store.</summary>
    public ReadOnlyMemory<byte> Inline { get; }

    /// <summary>Name in the blob store; null when the bytes are inline.</summary>
    public string? Blob { get; }

    /// <summary>How many bytes.</summary>
    public long Length { get; }

    /// <summary>A body that is kept with its message.</summary>
    public static Body Of(ReadOnlyMemory<byte> bytes) => new(bytes, null, bytes.Length);

    /// <summary>A body that was written to the blob store, durably, before.</summary>
    public static Body InBlob(string name, long length) => new(default, name, length);
}
