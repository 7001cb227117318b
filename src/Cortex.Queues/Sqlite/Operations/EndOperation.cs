using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Sqlite.Operations;

/// <summary>How a lease ends.</summary>
internal enum End
{
    /// <summary>With a result.</summary>
    Complete,

    /// <summary>Given up.</summary>
    GiveUp,

    /// <summary>The attempt failed; there will be another.</summary>
    Retry,

    /// <summary>The attempt was lost without counting as failed; there will be another.</summary>
    Lose,
}

/// <summary>Ends a lease. Its result is whether the lease still counted.</summary>
/// <param name="lease">The lease.</param>
/// <param name="end">How.</param>
/// <param name="result">The result, or what the worker answered to a message that is given up.</param>
/// <param name="attempt">What happened.</param>
/// <param name="delay">Until the next attempt.</param>
/// <param name="keepsAnswer">Whether <paramref name="result"/> is to be kept with a message that is given up.</param>
internal sealed class EndOperation(Lease lease, End end, Body result, Attempt? attempt, TimeSpan delay, bool keepsAnswer = false) : Operation<bool>
{
    private QueueState? _queue;
    private StoredMessage _message;
    private FollowUp? _followUp;

    public override long Bytes => base.Bytes + result.Inline.Length;

    private bool IsFinal => end is End.Complete or End.GiveUp;

    public override void Execute(WriteContext context)
    {
        _followUp = null;
        Result = Find(context);
        if (!Result)
        {
            return;
        }

        var statements = context.Statements;
        var id = lease.Id;
        if (attempt is not null)
        {
            statements.AddAttempt(id.Sequence, attempt, context.Options.AttemptsKept);
        }

        if (IsFinal)
        {
            _followUp = context.InsertFollowUp(id, _message);
        }

        switch (end)
        {
            case End.Complete:
                statements.Delete(id.Sequence);
                statements.InsertResult(id, _message, context.StampNow, _followUp?.Id, result);
                break;
            case End.GiveUp:
                statements.Finish(id.Sequence, MessageStatus.Failed, context.StampNow, _message.Failed + 1, lease.Token, _followUp?.Id);
                if (keepsAnswer)
                {
                    statements.InsertAnswer(id.Sequence, result);
                }

                break;
            default:
                long? notBefore = delay > TimeSpan.Zero ? context.StampNow + (long)Math.Ceiling(delay.TotalMilliseconds) : null;
                var failed = end == End.Retry ? 1 : 0;
                statements.PutBack(id.Sequence, _message.Failed + failed, _message.Lost + 1 - failed, lease.Token, notBefore);
                break;
        }
    }

    public override void Apply(WriteContext context)
    {
        if (!Result)
        {
            return;
        }

        var sequence = lease.Id.Sequence;
        if (!IsFinal)
        {
            context.Live.PutBack(_queue!, sequence, _message.Priority, lease.Token, context.Now + delay.Ticks);
            return;
        }

        context.Cache.TryTake(sequence, out _);
        context.Live.Finish(_queue!, sequence, lease.Token);
        context.Add(_followUp);
        context.Waiters.Signal(sequence);
        if (end == End.Complete && _message.PayloadBlob is { } blob)
        {
            context.Blobs.Remove(blob);
        }
    }

    // A token that is not above the last one that ended an attempt belongs to that attempt or to one before.
    private bool Find(WriteContext context)
    {
        if (context.Statements.Find(lease.Id.Sequence) is not { Status: (int)MessageStatus.Waiting } message || message.Secret != lease.Id.Secret)
        {
            return false;
        }

        _message = message;
        _queue = context.Queues.Find(message.Queue);
        return _queue is not null && lease.Token > message.EndedToken && context.Live.MayEnd(lease.Id.Sequence, lease.Token);
    }
}
