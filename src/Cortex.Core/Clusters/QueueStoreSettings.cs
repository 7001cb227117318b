namespace Cortex.Core.Clusters;

/// <summary>Bounds of the queue store.</summary>
public sealed record QueueStoreSettings
{
    /// <summary>Bytes of a payload or result up to which it is kept with its request; larger ones go to the blob store. 1Ki-1Mi.</summary>
    public int InlineLimit { get; init; } = 64 * 1024;

    /// <summary>Operations that may wait to be written; 1-1000000.</summary>
    public int MaxPending { get; init; } = 16 * 1024;

    /// <summary>Bytes that may wait to be written; 1Mi-1Gi.</summary>
    public long MaxPendingBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Bytes of one commit; 1Mi-64Mi.</summary>
    public int MaxCommitBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Bytes of memory for payloads that were just written and will be worked on soon; at most 1Gi.</summary>
    public long PayloadCache { get; init; } = 32L * 1024 * 1024;

    /// <summary>Attempts kept with a request, the latest ones; 1-100.</summary>
    public int AttemptsKept { get; init; } = 10;

    /// <summary>Callers that may wait for a result at a time; at most 1000000.</summary>
    public int MaxWaiters { get; init; } = 10_000;

    /// <summary>Of this many requests one is the oldest whatever its priority; 2-1000.</summary>
    public int FairnessInterval { get; init; } = 10;

    /// <summary>How often expired results are looked for; 100 ms to a day.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Bytes of the disk that large payloads leave free, and half of them large results; 0 to 1Ti.</summary>
    public long DiskReserve { get; init; } = 64L * 1024 * 1024;

    /// <summary>Blobs that belong to no request are removed when they are older; 1 minute to 30 days, but less than a day counts as one.</summary>
    public TimeSpan OrphanAge { get; init; } = TimeSpan.FromDays(1);
}
