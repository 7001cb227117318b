using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite;
using Microsoft.Extensions.Logging;

namespace Cortex.Queues;

/// <summary>
/// Removes blobs that no message refers to: of uploads that were never enqueued, of results that came too late, of
/// deletions that a crash cut off. Only those older than <see cref="QueueStoreOptions.OrphanAge"/>.
/// </summary>
/// <param name="blobs">Where to look.</param>
/// <param name="isOwned">Whether a message refers to a blob.</param>
/// <param name="age">The age.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Gets failures.</param>
internal sealed class OrphanRemover(
    IBlobStore blobs, Func<string, MessageId, CancellationToken, ValueTask<bool>> isOwned, TimeSpan age, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _work = Task.CompletedTask;

    /// <summary>Looks four times within the age, from now on.</summary>
    public void Start() => _work = Task.Run(WorkAsync);

    /// <summary>Looks once. Returns how many were removed.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        await blobs.ClaimAsync(cancellationToken);   // perhaps it was adopted by another cluster
        var removed = 0;
        var until = time.GetUtcNow() - age;
        await foreach (var blob in blobs.ListAsync(cancellationToken))
        {
            // A name that is none of ours is left alone.
            if (blob.Modified <= until && BlobNames.TryParse(blob.Name, out var id) && !await isOwned(blob.Name, id, cancellationToken))
            {
                await blobs.DeleteAsync(blob.Name, cancellationToken);
                removed++;
            }
        }

        return removed;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        _stop.Dispose();
    }

    private async Task WorkAsync()
    {
        using var timer = new PeriodicTimer(age / 4, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                await SweepSafelyAsync();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }

    private async Task SweepSafelyAsync()
    {
        try
        {
            if (await SweepAsync(_stop.Token) is > 0 and var removed)
            {
                logger.OrphansRemoved(removed);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !_stop.IsCancellationRequested)
        {
            logger.OrphanSweepFailed(exception);
        }
    }
}
