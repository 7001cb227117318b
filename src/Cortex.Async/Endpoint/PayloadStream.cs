using Cortex.Queues.Blobs;

namespace Cortex.Async.Endpoint;

/// <summary>The body of a request in progress as a stream, for the blob store.</summary>
internal sealed class PayloadStream(PayloadReader reader) : ReadOnceStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await reader.TakeAsync(buffer, cancellationToken);

        // Bytes arrive on the threads that serve sockets; what the blob store does with them may block.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return count;
    }
}
