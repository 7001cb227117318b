using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Items;
using Cortex.Jobs.Batch.Sources;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Queues;

namespace Cortex.Jobs.Batch.Enqueuing;

/// <summary>
/// Puts the items of a job into its queue as batches, streaming, and goes on after a kill where it was: no batch is doubled and none is lost.
/// </summary>
public sealed class Enqueuer
{
    private readonly IQueueStore _store;
    private readonly SourceStorages _storages;
    private readonly SubmittedItems _submitted;
    private readonly BatchLimits _limits;
    private readonly EnqueueOptions _options;
    private readonly TimeProvider _time;

    /// <summary>Enqueues the jobs of one server.</summary>
    public Enqueuer(IQueueStore store, SourceStorages storages, BatchLimits limits, EnqueueOptions options, TimeProvider time)
    {
        _store = store;
        _storages = storages;
        _submitted = new SubmittedItems(store.Blobs, limits);
        _limits = limits;
        _options = options;
        _time = time;
    }

    /// <summary>The queue of a job.</summary>
    public static string QueueOf(string apiName, string jobId) => $"job/{apiName}/{jobId}";

    /// <summary>Enqueues a job, or the rest of it. A job that is enqueued already is answered as such.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="queue">Its queue, which has been configured and is used for this alone.</param>
    /// <param name="settings">What it is to do.</param>
    /// <param name="onProgress">Told after each write, from one thread at a time; must not block.</param>
    /// <param name="cancellationToken">Ends it; what is in the queue stays there.</param>
    public async Task<EnqueueOutcome> EnqueueAsync(string jobId, string queue, BatchSettings settings, Action<EnqueueProgress>? onProgress, CancellationToken cancellationToken)
    {
        var progress = default(EnqueueProgress);
        void Report(EnqueueProgress now)
        {
            progress = now;
            onProgress?.Invoke(now);
        }

        try
        {
            var from = await _store.ReadCheckpointAsync(queue, cancellationToken) is { } text ? EnqueueCheckpoint.Parse(text) : default;
            Report(from.Progress);
            if (!from.Progress.Done)
            {
                await using var items = Open(jobId, settings, from.Next, cancellationToken);
                await EnqueueAsync(items, queue, settings.BatchSize, from, Report, cancellationToken);
            }

            return new(progress, null);
        }
        catch (Exception exception) when (exception is CortexException or StoreUnavailableException)
        {
            return new(progress, new((exception as CortexException)?.Kind ?? BatchErrorKinds.Other, exception.Message));
        }
    }

    private async Task EnqueueAsync(IItemSource items, string queue, int batchSize, EnqueueCheckpoint from, Action<EnqueueProgress> report, CancellationToken cancellationToken)
    {
        var writer = new BatchWriter(_store, queue, _options, _time);
        var batch = new BatchBuilder(batchSize, _limits.MaxBatchBytes);
        var chunk = new List<byte[]>();
        var chunkBytes = 0;
        var (next, (itemsDone, batchesDone, _)) = from;
        var writing = Task.CompletedTask;

        // While one chunk is being written the next one is read. A chunk goes out when it is known whether it is the last.
        async Task SendAsync(bool last)
        {
            var ready = chunk;
            var checkpoint = new EnqueueCheckpoint(next, new(itemsDone, batchesDone, last));
            chunk = [];
            chunkBytes = 0;
            await writing;
            writing = WriteAsync(ready, checkpoint);
        }

        async Task WriteAsync(List<byte[]> ready, EnqueueCheckpoint checkpoint)
        {
            await writer.WriteAsync(ready, checkpoint.ToText(), cancellationToken);
            report(checkpoint.Progress);
        }

        void TakeBatch()
        {
            itemsDone += batch.Count;
            batchesDone++;
            next = items.Position;
            chunk.Add(batch.Take());
            chunkBytes += chunk[^1].Length;
        }

        try
        {
            while (await items.ReadAsync(cancellationToken))
            {
                if (chunk.Count == _options.ChunkBatches || chunkBytes >= _options.ChunkBytes)
                {
                    await SendAsync(last: false);
                }

                if (itemsDone + batch.Count == _limits.MaxItems)
                {
                    throw _limits.TooManyItems();
                }

                batch.Add(items.Item, itemsDone + batch.Count);
                if (batch.IsFull)
                {
                    TakeBatch();
                }
            }

            if (batch.Count > 0)
            {
                TakeBatch();
            }

            if (chunk.Count > 0)
            {
                await SendAsync(last: true);
            }
        }
        finally
        {
            await writing;   // never left behind: its error, or the batches that it stored, belong to the outcome
        }

        report(new(itemsDone, batchesDone, Done: true));
    }

    private IItemSource Open(string jobId, BatchSettings settings, SourcePosition from, CancellationToken cancellationToken)
    {
        if (settings.Source == BatchSource.ItemList)
        {
            // Escapes make items longer than they were when they were let in.
            var longest = (int)Math.Min(Array.MaxLength / 2, 6L * _limits.MaxItemBytes);
            return new ValueItems(One(new ListedFile(0, _submitted.File(jobId))), from, longest, long.MaxValue, _storages.Retry, cancellationToken);
        }

        var files = new FileLister(settings.Paths, settings.Includes, settings.Excludes, _storages).ListAsync(from, cancellationToken);
        return settings.Source == BatchSource.FilePathLister
            ? new PathItems(files, cancellationToken)
            : new ValueItems(files, from, _limits.MaxItemBytes, _limits.MaxSourceBytes, _storages.Retry, cancellationToken);
    }

    private static async IAsyncEnumerable<ListedFile> One(ListedFile file)
    {
        await Task.CompletedTask;
        yield return file;
    }
}
