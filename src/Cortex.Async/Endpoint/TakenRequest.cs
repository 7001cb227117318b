using System.Buffers;
using System.Security.Cryptography;
using Cortex.Queues;

namespace Cortex.Async.Endpoint;

/// <summary>What was taken in of a request, until it is stored. Disposing of it gives its memory back.</summary>
internal readonly struct TakenRequest : IDisposable
{
    private readonly byte[] _rented;

    private TakenRequest(byte[] rented, Body payload, ReadOnlyMemory<byte> digest)
    {
        _rented = rented;
        Payload = payload;
        Digest = digest;
    }

    /// <summary>The payload.</summary>
    public Body Payload { get; }

    /// <summary>Tells the payload from another; empty when that was not asked for.</summary>
    public ReadOnlyMemory<byte> Digest { get; }

    /// <summary>Room for the head, of the length that was asked for at least.</summary>
    public Memory<byte> Head => _rented;

    /// <summary>A payload that is kept with its message, in the same piece of memory as the head.</summary>
    public static TakenRequest Small(int headLength, in ReadOnlySequence<byte> payload, bool withDigest)
    {
        var length = (int)payload.Length;
        var rented = ArrayPool<byte>.Shared.Rent(headLength + length);
        payload.CopyTo(rented.AsSpan(headLength));
        var body = rented.AsMemory(headLength, length);
        return new TakenRequest(rented, Body.Of(body), withDigest ? SHA256.HashData(body.Span) : default);
    }

    /// <summary>A payload in the blob store.</summary>
    public static TakenRequest Large(int headLength, string blob, long length, ReadOnlyMemory<byte> digest) =>
        new(ArrayPool<byte>.Shared.Rent(headLength), Body.InBlob(blob, length), digest);

    public void Dispose()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
        }
    }
}
