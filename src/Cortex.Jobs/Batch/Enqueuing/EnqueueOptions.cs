namespace Cortex.Jobs.Batch.Enqueuing;

/// <summary>How batches are put into their queue.</summary>
public sealed record EnqueueOptions
{
    /// <summary>Batches of one write, which is also what a killed process has to do again at most; 1 to 10,000.</summary>
    public int ChunkBatches { get; init; } = 5000;

    /// <summary>Bytes of one write, or one batch more; 64 KiB to 64 MiB.</summary>
    public int ChunkBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Larger batches go to the blob store; as <see cref="Queues.QueueStoreOptions.InlineLimit"/>.</summary>
    public int InlineLimit { get; init; } = 64 * 1024;

    /// <summary>Blobs written at a time; 1 to 64.</summary>
    public int BlobWriters { get; init; } = 8;

    /// <summary>A write that the store refuses because it is busy, full or away is tried again for so long; up to a day.</summary>
    public TimeSpan StorePatience { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Pause between such tries; 1 ms to 1 minute.</summary>
    public TimeSpan StorePause { get; init; } = TimeSpan.FromMilliseconds(500);
}
