using System.Text;
using Cortex.Queues.Sqlite.Live;
using Microsoft.Extensions.Logging;

namespace Cortex.Queues.Sqlite;

/// <summary>What operations work with. Of the writer's thread.</summary>
internal sealed class WriteContext(
    WriteStatements statements, QueueDirectory queues, LiveMessages live, PayloadCache cache, FinalWaiters waiters, BlobRemover blobs, IdSource ids, ExpiredRemover expired, QueueStoreOptions options, SteadyClock clock, ILogger logger)
{
    public WriteStatements Statements => statements;

    public QueueDirectory Queues => queues;

    public LiveMessages Live => live;

    public PayloadCache Cache => cache;

    public FinalWaiters Waiters => waiters;

    public BlobRemover Blobs => blobs;

    public IdSource Ids => ids;

    public ExpiredRemover Expired => expired;

    public QueueStoreOptions Options => options;

    /// <summary>The time of this round by <see cref="SteadyClock"/>.</summary>
    public long StampNow { get; private set; }

    /// <summary>The monotonic clock of this round.</summary>
    public long Now { get; private set; }

    public void BeginRound()
    {
        StampNow = clock.Now;
        Now = live.Now;
    }

    /// <summary>Puts in the message that follows a final one, when it asked for that.</summary>
    public FollowUp? InsertFollowUp(MessageId id, in StoredMessage message)
    {
        if (message.FollowUpQueue is not { } name)
        {
            return null;
        }

        if (queues.Find(name) is not { RetiredAt: null, IsDeleted: false } queue)
        {
            logger.NoFollowUp(id, name);
            return null;
        }

        var followUp = new FollowUp(queue, ids.Next(), statements.Head(id.Sequence), Encoding.ASCII.GetBytes(id.ToString()), StampNow);
        statements.Insert(followUp.Id, queue.Number, 0, StampNow, null, null, followUp.Head, Body.Of(followUp.Payload));
        return followUp;
    }

    /// <summary>After the commit: makes a follow-up available.</summary>
    public void Add(FollowUp? followUp)
    {
        if (followUp is { Queue.IsDeleted: false })
        {
            cache.Add(followUp.Id.Sequence, new CachedMessage(followUp.Queue.Number, followUp.Id.Secret, followUp.Head, Body.Of(followUp.Payload), followUp.EnqueuedAt));
            live.Add(followUp.Queue, followUp.Id.Sequence, 0);
        }
    }
}

/// <summary>A message that was put in because another became final.</summary>
internal sealed record FollowUp(QueueState Queue, MessageId Id, byte[] Head, byte[] Payload, long EnqueuedAt);
