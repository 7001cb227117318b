using System.Collections.Concurrent;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Tests.Dispatch.Support;

/// <summary>Blobs in memory.</summary>
internal sealed class MemoryBlobs : IBlobStore
{
    public ConcurrentDictionary<string, byte[]> All { get; } = new();

    /// <summary>Thrown by writes while it is set.</summary>
    public Exception? WriteTrouble { get; set; }

    /// <summary>Bytes that were written, also of blobs that came to nothing.</summary>
    public long Written { get; private set; }

    public async Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await content.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            if (WriteTrouble is { } trouble)
            {
                throw trouble;
            }

            Written += count;
            bytes.Write(buffer, 0, count);
        }

        All[name] = bytes.ToArray();
        return bytes.Length;
    }

    public Task<Stream?> OpenAsync(string name, CancellationToken cancellationToken) =>
        Task.FromResult<Stream?>(All.TryGetValue(name, out var bytes) ? new MemoryStream(bytes) : null);

    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        All.TryRemove(name, out _);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<BlobInfo> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var name in All.Keys)
        {
            yield return new BlobInfo(name, DateTimeOffset.UnixEpoch);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
