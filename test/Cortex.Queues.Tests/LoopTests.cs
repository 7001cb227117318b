using Cortex.Queues.Blobs;
using Cortex.Queues.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Queues.Tests;

/// <summary>Loops that live whatever the blob store throws.</summary>
public sealed class LoopTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task BlobRemover_DeletingThrowsAnything_GoesOn()
    {
        var blobs = new ThrowingBlobs(new MemoryBlobStore(_time)) { Trouble = new InvalidOperationException("unheard of") };
        await using var remover = new BlobRemover(blobs, _time, NullLogger.Instance);
        remover.Remove("aa/first");
        await Eventually.TrueAsync(() => blobs.Deletions == 1, "the first is tried");

        remover.Remove("aa/second");

        await Eventually.TrueAsync(() => blobs.Deletions == 2, "the second is tried");
    }

    [Fact]
    public async Task OrphanRemover_ListingThrowsAnything_GoesOn()
    {
        var blobs = new ThrowingBlobs(new MemoryBlobStore(_time)) { Trouble = new InvalidOperationException("unheard of") };
        await using var remover = new OrphanRemover(blobs, (_, _, _) => ValueTask.FromResult(true), TimeSpan.FromHours(4), _time, NullLogger.Instance);
        remover.Start();
        foreach (var looks in new[] { 1, 2, 3 })
        {
            await Eventually.TrueAsync(
                () =>
                {
                    _time.Advance(TimeSpan.FromHours(1));
                    return blobs.Lists >= looks;
                },
                "it looks again");
        }
    }

    private sealed class ThrowingBlobs(IBlobStore inner) : IBlobStore
    {
        public Exception? Trouble { get; init; }

        public int Deletions { get; private set; }

        public int Lists { get; private set; }

        public Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken) => inner.WriteAsync(name, content, cancellationToken);

        public Task<Stream?> OpenAsync(string name, CancellationToken cancellationToken) => inner.OpenAsync(name, cancellationToken);

        public Task DeleteAsync(string name, CancellationToken cancellationToken)
        {
            Deletions++;
            return Trouble is { } trouble ? throw trouble : inner.DeleteAsync(name, cancellationToken);
        }

        public IAsyncEnumerable<BlobInfo> ListAsync(CancellationToken cancellationToken)
        {
            Lists++;
            return Trouble is { } trouble ? throw trouble : inner.ListAsync(cancellationToken);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
