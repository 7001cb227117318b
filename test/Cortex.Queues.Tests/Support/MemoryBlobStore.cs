using System.Collections.Concurrent;
using Cortex.Queues.Blobs;

namespace Cortex.Queues.Tests.Support;

/// <summary>Blobs in memory, on a clock that the test moves.</summary>
internal sealed class MemoryBlobStore(TimeProvider time) : IBlobStore
{
    private readonly ConcurrentDictionary<string, (byte[] Bytes, DateTimeOffset Modified)> _blobs = new();

    public ICollection<string> Names => _blobs.Keys;

    public async Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        await content.CopyToAsync(buffer, cancellationToken);
        _blobs[name] = (buffer.ToArray(), time.GetUtcNow());
        return buffer.Length;
    }

    public Task<Stream?> OpenAsync(string name, CancellationToken cancellationToken) =>
        Task.FromResult<Stream?>(_blobs.TryGetValue(name, out var blob) ? new MemoryStream(blob.Bytes, writable: false) : null);

    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        _blobs.TryRemove(name, out _);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<BlobInfo> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (name, blob) in _blobs)
        {
            await Task.Yield();
            yield return new BlobInfo(name, blob.Modified);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
