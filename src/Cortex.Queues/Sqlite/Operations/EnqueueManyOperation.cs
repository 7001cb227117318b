using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Sqlite.Operations;

/// <summary>Puts many messages into one queue, with a checkpoint.</summary>
internal sealed class EnqueueManyOperation(string queueName, NewMessage[] messages, string? checkpoint) : Operation<bool>
{
    private readonly long[] _dues = new long[messages.Length];
    private QueueState? _queue;
    private long _enqueuedAt;

    public override long Bytes { get; } = messages.Sum(m => 256L + m.Head.Length + m.Payload.Inline.Length);

    public override bool Grows => true;

    public override void Execute(WriteContext context)
    {
        _queue = context.Queues.GetInUse(queueName);
        _enqueuedAt = context.StampNow;
        for (var i = 0; i < messages.Length; i++)
        {
            _dues[i] = EnqueueOperation.Insert(context, _queue, messages[i]);
        }

        if (checkpoint is not null)
        {
            context.Statements.WriteCheckpoint(_queue.Number, checkpoint);
        }

        Result = true;
    }

    public override void Apply(WriteContext context)
    {
        for (var i = 0; i < messages.Length; i++)
        {
            EnqueueOperation.Publish(context, _queue!, messages[i], _enqueuedAt, _dues[i]);
        }
    }
}
