using Cortex.Gateway.Replicas;
using Cortex.Queues;
using Cortex.Routing;

namespace Cortex.Dispatch;

/// <summary>Why a call was aborted from outside.</summary>
internal enum AbortReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>The attempt took too long.</summary>
    Timeout,

    /// <summary>The lease was revoked: cancelled, expired or its queue deleted.</summary>
    Revoked,

    /// <summary>The replica must go, or the service stops: the message is put back.</summary>
    PutBack,
}

/// <summary>A message that we hold, from its lease until the store knows what became of it.</summary>
public sealed class HeldMessage
{
    private int _abort;
    private ReplicaCall? _call;
    private CancellationTokenSource? _aborted;   // made for the few that need it

    internal HeldMessage(LeasedMessage message, QueuePolicy policy, long started, long deadline, DateTimeOffset startedAt) =>
        (Message, Policy, Started, Extended, Deadline, StartedAt) = (message, policy, started, started, deadline, startedAt);

    /// <summary>The message.</summary>
    public LeasedMessage Message { get; }

    /// <summary>The queue's policy when the attempt began.</summary>
    public QueuePolicy Policy { get; }

    /// <summary>Whether no other attempt follows when this one fails.</summary>
    public bool IsLastAttempt => RetryRule.AfterFailure(Policy, Message.FailedAttempts, 0) is null;

    /// <summary>Timestamp of the attempt's begin.</summary>
    internal long Started { get; }

    /// <summary>Timestamp at which the call is aborted.</summary>
    internal long Deadline { get; set; }

    /// <summary>When the attempt began.</summary>
    internal DateTimeOffset StartedAt { get; }

    /// <summary>The replica that works on it now.</summary>
    internal string ReplicaId { get; set; } = "";

    /// <summary>Timestamp of the lease's last extension.</summary>
    internal long Extended { get; set; }

    /// <summary>Neighbours in the list of all held messages; guarded by the list.</summary>
    internal HeldMessage? Next { get; set; }

    /// <summary>As <see cref="Next"/>.</summary>
    internal HeldMessage? Previous { get; set; }

    /// <summary>Why the call was aborted; the first reason counts.</summary>
    internal AbortReason Abortion => (AbortReason)Volatile.Read(ref _abort);

    /// <summary>Fires when the call is aborted.</summary>
    public CancellationToken Aborted
    {
        get
        {
            var source = Volatile.Read(ref _aborted) ?? new CancellationTokenSource();
            source = Interlocked.CompareExchange(ref _aborted, source, null) ?? source;
            if (Abortion != AbortReason.None)
            {
                source.Cancel();
            }

            return source.Token;
        }
    }

    /// <summary>Names the call that is to be aborted.</summary>
    internal void Attach(ReplicaCall? call)
    {
        Interlocked.Exchange(ref _call, call);
        if (Abortion != AbortReason.None)
        {
            call?.Abort();
        }
    }

    /// <summary>Aborts the call, now or as soon as it begins.</summary>
    internal void Abort(AbortReason reason)
    {
        if (Interlocked.CompareExchange(ref _abort, (int)reason, (int)AbortReason.None) == (int)AbortReason.None)
        {
            Interlocked.MemoryBarrier();
            Volatile.Read(ref _call)?.Abort();
            Volatile.Read(ref _aborted)?.Cancel();
        }
    }
}
