using Cortex.Gateway.Replicas;
using Cortex.Queues;
using Cortex.Routing;

namespace Cortex.Async.Dispatch;

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
internal sealed class Work(LeasedMessage message, QueuePolicy policy, long started, long deadline, DateTimeOffset startedAt)
{
    private int _abort;
    private ReplicaCall? _call;
    private CancellationTokenSource? _aborted;   // made for the few that need it

    public LeasedMessage Message => message;

    /// <summary>The API's policy when the attempt began.</summary>
    public QueuePolicy Policy => policy;

    /// <summary>Timestamp of the attempt's begin.</summary>
    public long Started { get; } = started;

    /// <summary>Timestamp at which the call is aborted.</summary>
    public long Deadline { get; set; } = deadline;

    /// <summary>When the attempt began.</summary>
    public DateTimeOffset StartedAt => startedAt;

    /// <summary>The replica that works on it now.</summary>
    public string ReplicaId { get; set; } = "";

    /// <summary>Timestamp of the lease's last extension.</summary>
    public long Extended { get; set; } = started;

    /// <summary>Neighbours in the list of all work; guarded by the list.</summary>
    public Work? Next { get; set; }

    /// <summary>As <see cref="Next"/>.</summary>
    public Work? Previous { get; set; }

    /// <summary>Why the call was aborted; the first reason counts.</summary>
    public AbortReason Abortion => (AbortReason)Volatile.Read(ref _abort);

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
    public void Attach(ReplicaCall? call)
    {
        Interlocked.Exchange(ref _call, call);
        if (Abortion != AbortReason.None)
        {
            call?.Abort();
        }
    }

    /// <summary>Aborts the call, now or as soon as it begins.</summary>
    public void Abort(AbortReason reason)
    {
        if (Interlocked.CompareExchange(ref _abort, (int)reason, (int)AbortReason.None) == (int)AbortReason.None)
        {
            Interlocked.MemoryBarrier();
            Volatile.Read(ref _call)?.Abort();
            Volatile.Read(ref _aborted)?.Cancel();
        }
    }
}
