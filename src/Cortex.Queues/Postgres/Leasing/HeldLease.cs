namespace Cortex.Queues.Postgres.Leasing;

#pragma warning disable CA1001 // The source has neither timer nor wait handle: there is nothing to free, and its token is still with the holder.
/// <summary>A lease of this process. Its times are timestamps of the process's clock.</summary>
internal sealed class HeldLease(Lease lease, int queue, bool hasFollowUp)
{
    private readonly CancellationTokenSource _revoked = new();

    public Lease Lease => lease;

    public int Queue => queue;

    public bool HasFollowUp => hasFollowUp;

    /// <summary>When it ends.</summary>
    public long Expires { get; set; }

    /// <summary>Nobody works on it yet: it was fetched ahead.</summary>
    public bool IsWaiting { get; set; } = true;

    /// <summary>Its holder ends it at this moment: it can't expire.</summary>
    public bool IsEnding { get; set; }

    public CancellationToken Revoked => _revoked.Token;

    /// <summary>Tells the holder, whose code must not run here.</summary>
    public void Revoke() => ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), _revoked, preferLocal: false);
}
