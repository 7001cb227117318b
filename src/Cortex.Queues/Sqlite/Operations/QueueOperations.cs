using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Sqlite.Operations;

/// <summary>Makes a queue, or changes its settings and takes it into use again.</summary>
internal sealed class ConfigureOperation(string name, QueueSettings settings) : Operation<bool>
{
    private readonly long _retention = (long)Math.Ceiling(settings.Retention.TotalMilliseconds);
    private int _number;

    public override bool Grows => true;

    public override void Execute(WriteContext context)
    {
        // The file is asked, not the memory: another operation of this commit may have made the queue.
        if (context.Statements.FindQueue(name) is var (number, _))
        {
            context.Statements.ConfigureQueue(number, _retention);
            _number = number;
        }
        else
        {
            _number = context.Statements.InsertQueue(name, _retention);
        }

        Result = true;
    }

    public override void Apply(WriteContext context)
    {
        var queue = context.Queues.Find(_number);
        if (queue is null)
        {
            context.Queues.Add(new QueueState(_number, name, context.Options.FairnessInterval) { Retention = _retention });
            return;
        }

        queue.Retention = _retention;
        queue.RetiredAt = null;
    }
}

/// <summary>Takes a queue out of use.</summary>
internal sealed class RetireOperation(string name) : Operation<bool>
{
    private int _number;

    public override void Execute(WriteContext context)
    {
        // The first time counts when it is retired again.
        Result = context.Statements.FindQueue(name) is (_, null);
        if (Result)
        {
            _number = context.Statements.FindQueue(name)!.Value.Number;
            context.Statements.RetireQueue(_number, context.StampNow);
        }
    }

    public override void Apply(WriteContext context)
    {
        if (Result && context.Queues.Find(_number) is { } queue)
        {
            context.Live.Retire(queue, context.StampNow);
            context.Cache.RemoveQueue(_number);
        }
    }
}

/// <summary>Deletes a queue: its name is free at once, its rows are removed bit by bit.</summary>
/// <param name="name">The queue.</param>
/// <param name="retiredUntil">Only if it was retired by this time, in milliseconds of Unix time; null in any case.</param>
internal sealed class DeleteOperation(string name, long? retiredUntil) : Operation<bool>
{
    private int _number;

    public override void Execute(WriteContext context)
    {
        Result = false;
        if (context.Statements.FindQueue(name) is var (number, retiredAt) && (retiredUntil is null || retiredAt <= retiredUntil))
        {
            context.Statements.MarkQueueDeleted(number);
            _number = number;
            Result = true;
        }
    }

    public override void Apply(WriteContext context)
    {
        if (Result && context.Queues.Find(_number) is { } queue)
        {
            context.Live.Delete(queue);
            context.Cache.RemoveQueue(_number);
            context.Queues.Remove(queue);
            context.Expired.Empty(_number);
        }
    }
}
