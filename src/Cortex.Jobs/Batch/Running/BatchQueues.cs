using System.Globalization;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Jobs.Batch.Items;
using Cortex.Jobs.Storing;
using Cortex.Queues;

namespace Cortex.Jobs.Batch.Running;

/// <summary>The queues of batch jobs. A queue lives as long as its job, and longer when it holds batches that the job gave up: those are kept with the job's history.</summary>
internal sealed class BatchQueues(IQueueStore queues, SubmittedItems items)
{
    private const string Prefix = "job/";
    private const int PageSize = 1000;
    private const int PageBytes = 16 * 1024 * 1024;

    // Queues are deleted with their jobs, and no sooner.
    private static readonly TimeSpan _retention = TimeSpan.FromDays(36_500);

    /// <summary>Makes a job's queue, or finds it.</summary>
    public Task MakeAsync(string queue, CancellationToken cancellationToken) => queues.ConfigureAsync(queue, new QueueSettings(_retention), cancellationToken);

    /// <summary>Batches that are not final, and batches that were given up, exactly.</summary>
    public async Task<(long Remaining, long Failed)> CountAsync(string queue, CancellationToken cancellationToken)
    {
        var totals = await queues.TotalAsync(queue, cancellationToken);
        return (totals.Unfinished, totals.Failed);
    }

    /// <summary>Batches that were given up, the last ones first; fewer than asked for when they are large.</summary>
    /// <exception cref="CortexException">The cursor is none.</exception>
    public async Task<DeadLetterPage> DeadLettersAsync(string queue, int limit, string? cursor, CancellationToken cancellationToken)
    {
        long? before = null;
        if (cursor is not null)
        {
            before = long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new CortexException("error", $"cursor: \"{cursor}\" is none; give what an earlier answer had as its cursor");
        }

        var page = await queues.ListAsync(queue, new MessageQuery(MessageStatus.Failed, limit, before), cancellationToken);
        var letters = new List<DeadLetter>();
        var bytes = 0L;
        foreach (var message in page.Messages)
        {
            if (await queues.GetAsync(queue, message.Id, cancellationToken) is not { Payload: { } payload } whole)
            {
                continue;   // its job was deleted a moment ago
            }

            var batch = await ReadAsync(payload, cancellationToken);
            letters.Add(new DeadLetter(whole.Id.ToString(), whole.FinishedAt, whole.Attempts, batch));
            bytes += batch.Length;
            if (bytes >= PageBytes)
            {
                return new DeadLetterPage(letters, Text(message.Id.Sequence));
            }
        }

        return new DeadLetterPage(letters, page.Next is { } next ? Text(next) : null);
    }

    /// <summary>The items of all batches that were given up, in the order in which they were enqueued; null when there is none.</summary>
    public async Task<DeadItems?> OpenDeadAsync(string queue, CancellationToken cancellationToken)
    {
        var ids = new List<MessageId>();
        for (long? cursor = null; ;)
        {
            var page = await queues.ListAsync(queue, new MessageQuery(MessageStatus.Failed, PageSize, cursor), cancellationToken);
            ids.AddRange(page.Messages.Select(message => message.Id));
            if (page.Next is not { } next)
            {
                break;
            }

            cursor = next;
        }

        ids.Reverse();
        return ids.Count == 0 ? null : new DeadItems(ids, async (id, token) =>
            await queues.GetAsync(queue, id, token) is { Payload: { } payload }
                ? await ReadAsync(payload, token)
                : throw new CortexException("job.not_found", "the job was deleted while its batches were being read"));
    }

    /// <summary>Deletes a job's queue and items.</summary>
    public async Task DeleteAsync(string queue, string jobId, CancellationToken cancellationToken)
    {
        await queues.DeleteAsync(queue, cancellationToken);
        await items.DeleteAsync(jobId, cancellationToken);
    }

    /// <summary>Deletes what a job need not keep once it has ended.</summary>
    public async Task EndAsync(JobRecord job, CancellationToken cancellationToken)
    {
        await items.DeleteAsync(job.Id, cancellationToken);
        if (!KeepsQueue(job))
        {
            await queues.DeleteAsync(job.Batch!.Queue, cancellationToken);
        }
    }

    /// <summary>Deletes queues that no job needs: what a killed process left, or belongs to jobs that became too old.</summary>
    /// <param name="store">Every job.</param>
    /// <param name="isActive">Whether a job has not ended or is being submitted.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task SweepQueuesAsync(IJobStore store, Func<string, bool> isActive, CancellationToken cancellationToken)
    {
        foreach (var queue in await queues.ListQueuesAsync(Prefix, cancellationToken))
        {
            var slash = queue.LastIndexOf('/');
            if (slash <= Prefix.Length || isActive(queue[(slash + 1)..]))
            {
                continue;
            }

            if (await store.FindAsync(queue[Prefix.Length..slash], ApiKind.BatchAPI, queue[(slash + 1)..], cancellationToken) is not { Batch: not null } job || (job.Status.IsFinal() && !KeepsQueue(job)))
            {
                await queues.DeleteAsync(queue, cancellationToken);
            }
        }
    }

    /// <summary>Deletes submitted items that a killed process left.</summary>
    public async Task SweepItemsAsync(Func<string, bool> isActive, CancellationToken cancellationToken)
    {
        await foreach (var blob in queues.Blobs.ListAsync(cancellationToken))
        {
            if (SubmittedItems.JobOf(blob.Name) is { } jobId && !isActive(jobId))
            {
                await items.DeleteAsync(jobId, cancellationToken);
            }
        }
    }

    private static bool KeepsQueue(JobRecord job) => job is { Forget: false, Batch.Failed: > 0 };

    private static string Text(long cursor) => cursor.ToString(CultureInfo.InvariantCulture);

    private async Task<ReadOnlyMemory<byte>> ReadAsync(Body body, CancellationToken cancellationToken)
    {
        if (body.Blob is not { } blob)
        {
            return body.Inline;
        }

        await using var content = await queues.Blobs.OpenAsync(blob, cancellationToken)
            ?? throw new StoreUnavailableException($"the batch {blob} is not in the blob store any more");
        var bytes = new byte[body.Length];
        await content.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }
}
