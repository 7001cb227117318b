using System.Security.Cryptography;
using Cortex.Background;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Endpoint;

/// <summary>The body of a request in progress as a stream, for the blob store.</summary>
/// <param name="reader">Reads it.</param>
/// <param name="expected">How long the client says that it is; null when it does not say.</param>
/// <param name="digest">Gets every byte; null for none.</param>
internal sealed class PayloadStream(PayloadReader reader, long? expected, IncrementalHash? digest) : ReadOnceStream
{
    public override long? Expected => expected;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Bytes arrive on the threads that serve sockets; what the blob store does with them may block.
        var count = await reader.TakeAsync(buffer, cancellationToken).OnPoolAsync();
        digest?.AppendData(buffer.Span[..count]);
        return count;
    }
}
