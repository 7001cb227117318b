namespace Cortex.Queues;

/// <summary>The bounds of a queue store.</summary>
public sealed record QueueStoreOptions
{
    /// <summary>Whose the store is; null leaves that open and refuses nobody.</summary>
    public ClusterIdentity? Cluster { get; init; }

    /// <summary>Payloads and results up to this many bytes are kept with their message, larger ones in the blob store; 1 KiB to 1 MiB.</summary>
    public int InlineLimit { get; init; } = 64 * 1024;

    /// <summary>Operations that may wait to be written; further ones get a <see cref="StoreBusyException"/>. 1 to 1,000,000.</summary>
    public int MaxPendingOperations { get; init; } = 16 * 1024;

    /// <summary>Bytes that may wait to be written; further ones get a <see cref="StoreBusyException"/>. 1 MiB to 1 GiB.</summary>
    public long MaxPendingBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Bytes of one commit; 1 MiB to 64 MiB.</summary>
    public int MaxCommitBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Memory for payloads that were just written and will be leased soon; 0 to 1 GiB.</summary>
    public long PayloadCacheBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Attempts kept with a message, the latest ones; 1 to 100.</summary>
    public int AttemptsKept { get; init; } = 10;

    /// <summary>Callers that may wait for a message to become final at a time; further ones are answered at once. 0 to 1,000,000.</summary>
    public int MaxWaiters { get; init; } = 10_000;

    /// <summary>Of this many leases one takes the oldest message whatever its priority, so that a low one is not starved; 2 to 1000.</summary>
    public int FairnessInterval { get; init; } = 10;

    /// <summary>How often expired results are looked for; 100 ms to 1 day.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Blobs that belong to no message are removed when they are older than this; 1 minute to 30 days.</summary>
    public TimeSpan OrphanAge { get; init; } = TimeSpan.FromDays(1);
}
