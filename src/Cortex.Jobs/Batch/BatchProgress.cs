using Cortex.Runtimes;

namespace Cortex.Jobs.Batch;

/// <summary>How far a batch job is at one moment.</summary>
public sealed record BatchProgress
{
    /// <summary>Batches that were put into its queue so far; all of them once it has been enqueued.</summary>
    public long TotalBatches { get; init; }

    /// <summary>Whether all of its batches have been put into its queue.</summary>
    public bool IsEnqueued { get; init; }

    /// <summary>Batches that wait, or that a worker works on; 0 once the job has ended.</summary>
    public long BatchesInQueue { get; init; }

    /// <summary>Batches that a worker answered with success.</summary>
    public long Succeeded { get; init; }

    /// <summary>Batches that were given up: dead letters.</summary>
    public long Failed { get; init; }

    /// <summary>Mean time of a batch that succeeded, in seconds; null when none has.</summary>
    public double? AverageSeconds { get; init; }

    /// <summary>Its workers by the state of their pods, states without a worker left out; empty once the job has ended.</summary>
    public IReadOnlyDictionary<PodState, int> WorkerCounts { get; init; } = new Dictionary<PodState, int>();

    /// <summary>How the worker died that died last; empty when none did since a batch was finished.</summary>
    public string DeathReason { get; init; } = "";
}
