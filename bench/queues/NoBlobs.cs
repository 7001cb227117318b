using Cortex.Queues.Blobs;

namespace Cortex.Bench.Queues;

/// <summary>No blobs: everything is small here.</summary>
internal sealed class NoBlobs : IBlobStore
{
    public Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<Stream?> OpenAsync(string name, CancellationToken cancellationToken) => Task.FromResult<Stream?>(null);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => Task.CompletedTask;

    public IAsyncEnumerable<BlobInfo> ListAsync(CancellationToken cancellationToken) => AsyncEnumerable.Empty<BlobInfo>();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
