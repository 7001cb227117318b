using Cortex.Dispatch;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Running;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch;

/// <summary>Bounds of running batch jobs.</summary>
public sealed record BatchOptions
{
    /// <summary>What holds for jobs of every kind.</summary>
    public required JobOptions Jobs { get; init; }

    /// <summary>Bounds of submissions.</summary>
    public BatchLimits Limits { get; init; } = new();

    /// <summary>How long a job bears that nothing gets better.</summary>
    public BatchBounds Bounds { get; init; } = new();

    /// <summary>Where jobs may read from.</summary>
    public SourceOptions Sources { get; init; } = new();

    /// <summary>How batches are put into their queue.</summary>
    public EnqueueOptions Enqueue { get; init; } = new();

    /// <summary>How batches are brought to workers.</summary>
    public DispatchOptions Dispatch { get; init; } = new();

    /// <summary>Jobs whose batches are put into their queues at a time; 1 to 100.</summary>
    public int ParallelEnqueuing { get; init; } = 4;

    /// <summary>Pause before a failed batch is tried again; doubles with each try; up to <see cref="RetryBackoffMax"/>.</summary>
    public TimeSpan RetryBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between tries of a batch.</summary>
    public TimeSpan RetryBackoffMax { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Workers that may die over one batch before it is given up; 0 to 100.</summary>
    public int MaxLostAttempts { get; init; } = 5;

    /// <summary>Workers of a job whose logs are kept once they are gone, those that died before others; 1 to 10,000.</summary>
    public int KeptLogs { get; init; } = 20;
}
