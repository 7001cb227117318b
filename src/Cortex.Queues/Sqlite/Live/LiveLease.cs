using System.Diagnostics.CodeAnalysis;

namespace Cortex.Queues.Sqlite.Live;

/// <summary>A lease that is held.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A cancellation source without a timer holds nothing to dispose of, and its token outlives the lease.")]
internal sealed class LiveLease(QueueState queue, long sequence, int priority, long token)
{
    private readonly CancellationTokenSource _revoked = new();

    public QueueState Queue => queue;

    public long Sequence => sequence;

    public int Priority => priority;

    public long Token => token;

    /// <summary>When it ends, on the monotonic clock.</summary>
    public long Deadline { get; set; }

    /// <summary>It is held no more.</summary>
    public bool Ended { get; set; }

    /// <summary>Fires when it was taken from its holder.</summary>
    public CancellationToken Revoked => _revoked.Token;

    /// <summary>Tells the holder, on another thread: callbacks of others must not hold up this one.</summary>
    public void Revoke() => ThreadPool.UnsafeQueueUserWorkItem(static revoked => revoked.Cancel(), _revoked, preferLocal: false);
}
