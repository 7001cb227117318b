using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch;

/// <summary>The bounds of batch jobs. The defaults are Cortex 0.42's where it has one.</summary>
public sealed record BatchLimits
{
    /// <summary>Bytes of a submission's JSON body, which is held in memory; 1 KiB to 1 GiB.</summary>
    public long MaxBodyBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>Bytes of a body of newline-delimited JSON, which is streamed to the blob store; 1 KiB and more.</summary>
    public long MaxStreamedBodyBytes { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>Items of one job, whatever they come from; 1 and more. Cortex 0.42 has no such limit.</summary>
    public long MaxItems { get; init; } = 10_000_000;

    /// <summary>Bytes that one job may read from files, unpacked; those that were read before a restart of the server apart.</summary>
    public long MaxSourceBytes { get; init; } = 100L * 1024 * 1024 * 1024;

    /// <summary>Bytes of one item's JSON text as it was sent; 1 to 512 MiB.</summary>
    public int MaxItemBytes { get; init; } = 256_000;

    /// <summary>Bytes of one batch: a JSON array of its items, compacted; 1 to 512 MiB.</summary>
    public int MaxBatchBytes { get; init; } = 256_000;

    /// <summary>Workers of one job; 1 and more. Cortex 0.42 has no such limit.</summary>
    public int MaxWorkers { get; init; } = 10_000;

    /// <summary>What to say of a job with more items than <see cref="MaxItems"/>.</summary>
    internal CortexException TooManyItems() => new(
        BatchErrorKinds.TooManyItems, $"the job has more than {MaxItems} items; split it into several, or raise jobs.max_items in the cluster configuration");
}
