using Cortex.Background;

namespace Cortex.Queues.Blobs;

/// <summary>A blob being read. What goes wrong is told as the blob store's fault, so that readers can tell it from their own.</summary>
internal sealed class BlobStream(Stream inner, string name, IDisposable? owner = null) : ReadOnceStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await inner.ReadAsync(buffer, cancellationToken).OnPoolAsync();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new StoreUnavailableException($"blob {name} can't be read to its end: {e.Message}", e);
        }
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        try
        {
            return inner.Read(buffer, offset, count);
        }
        catch (IOException e)
        {
            throw new StoreUnavailableException($"blob {name} can't be read to its end: {e.Message}", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            owner?.Dispose();
        }

        base.Dispose(disposing);
    }
}
