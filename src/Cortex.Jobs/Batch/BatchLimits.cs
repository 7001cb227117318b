namespace Cortex.Jobs.Batch;

/// <summary>The bounds of batch jobs. The defaults are Cortex 0.42's where it has one.</summary>
public sealed record BatchLimits
{
    /// <summary>Bytes of a submission's JSON body, which is held in memory; 1 KiB to 1 GiB.</summary>
    public long MaxBodyBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>Bytes of a body of newline-delimited JSON, which is streamed to the blob store; 1 KiB and more.</summary>
    public long MaxStreamedBodyBytes { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>Bytes of one item's JSON text as it was sent; 1 to 512 MiB.</summary>
    public int MaxItemBytes { get; init; } = 256_000;

    /// <summary>Bytes of one batch: a JSON array of its items, compacted; 1 to 512 MiB.</summary>
    public int MaxBatchBytes { get; init; } = 256_000;

    /// <summary>Workers of one job; 1 and more. Cortex 0.42 has no such limit.</summary>
    public int MaxWorkers { get; init; } = 10_000;
}
