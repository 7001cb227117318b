using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Tests.Support;

/// <summary>Blobs in memory.</summary>
internal sealed class MemoryBlobStore : IBlobStore
{
    public ConcurrentDictionary<string, byte[]> Blobs { get; } = new(StringComparer.Ordinal);

    /// <summary>Blobs that are being written.</summary>
    public int Writing;

    /// <summary>Thrown by every write, when set.</summary>
    public Exception? Trouble { get; set; }

    public async Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref Writing);
        try
        {
            var bytes = new MemoryStream();
            await content.CopyToAsync(bytes, cancellationToken);
            if (Trouble is { } trouble)
            {
                throw trouble;
            }

            Blobs[name] = bytes.ToArray();
            return bytes.Length;
        }
        finally
        {
            Interlocked.Decrement(ref Writing);
        }
    }

    public Task<Stream?> OpenAsync(string name, CancellationToken cancellationToken) =>
        Task.FromResult<Stream?>(Blobs.TryGetValue(name, out var bytes) ? new MemoryStream(bytes) : null);

    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        Blobs.TryRemove(name, out _);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<BlobInfo> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var name in Blobs.Keys)
        {
            yield return new BlobInfo(name, DateTimeOffset.UnixEpoch);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
