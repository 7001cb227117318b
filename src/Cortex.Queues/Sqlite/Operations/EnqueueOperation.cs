using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Sqlite.Operations;

/// <summary>Puts a message into its queue.</summary>
internal sealed class EnqueueOperation(NewMessage message) : Operation<EnqueueResult>
{
    private QueueState? _queue;
    private long _enqueuedAt;
    private long _due;

    public override long Bytes => base.Bytes + message.Head.Length + message.Payload.Inline.Length;

    public override bool Grows => true;

    public override void Execute(WriteContext context)
    {
        _queue = context.Queues.GetInUse(message.Queue);
        _enqueuedAt = context.StampNow;
        if (message.IdempotencyKey is { } key)
        {
            if (FindEarlier(context, key) is var (earlier, digest))
            {
                Result = new EnqueueResult(earlier, IsNew: false, NewMessage.AreOthers(digest, message.Digest.Span));
                return;
            }

            context.Statements.ReplaceKey(_queue.Number, key, message.Id, _enqueuedAt, message.Digest.Span);
        }

        _due = Insert(context, _queue, message);
        Result = new EnqueueResult(message.Id, IsNew: true);
    }

    public override void Apply(WriteContext context)
    {
        if (Result.IsNew)
        {
            Publish(context, _queue!, message, _enqueuedAt, _due);
        }
    }

    /// <summary>Writes a message. Returns when it is due on the monotonic clock; 0 for at once.</summary>
    internal static long Insert(WriteContext context, QueueState queue, NewMessage message)
    {
        if (message.Id.Sequence > context.Ids.Last)
        {
            throw new ArgumentException($"Message {message.Id} has an id that this store never gave; take ids from {nameof(IQueueStore.NewId)}.");
        }

        if (message.FollowUpQueue is { } followUp)
        {
            context.Queues.Get(followUp);
        }

        var delayed = message.Delay > TimeSpan.Zero;
        long? notBefore = delayed ? context.StampNow + (long)Math.Ceiling(message.Delay.TotalMilliseconds) : null;
        context.Statements.Insert(message.Id, queue.Number, message.Priority, context.StampNow, notBefore, message.FollowUpQueue, message.Head.Span, message.Payload);
        return delayed ? context.Now + message.Delay.Ticks : 0;
    }

    /// <summary>Makes a committed message available.</summary>
    internal static void Publish(WriteContext context, QueueState queue, NewMessage message, long enqueuedAt, long due)
    {
        if (queue.IsDeleted)
        {
            return;   // by an operation of the same commit
        }

        if (due == 0)
        {
            context.Cache.Add(message.Id.Sequence, new CachedMessage(queue.Number, message.Id.Secret, message.Head, message.Payload, enqueuedAt));
            context.Live.Add(queue, message.Id.Sequence, message.Priority);
        }
        else
        {
            context.Live.AddDelayed(queue, message.Id.Sequence, message.Priority, due);
        }
    }

    // A key that has expired, or whose message is gone, counts no more.
    private (MessageId Id, byte[] Digest)? FindEarlier(WriteContext context, string key)
    {
        if (context.Statements.FindKey(_queue!.Number, key) is not var (id, enqueuedAt, digest) || enqueuedAt + _queue.Retention <= context.StampNow)
        {
            return null;
        }

        return context.Statements.Find(id.Sequence) is { } found && found.Secret == id.Secret || context.Statements.HasResult(_queue.Number, id) ? (id, digest) : null;
    }
}
