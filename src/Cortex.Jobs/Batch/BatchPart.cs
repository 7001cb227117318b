using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Submissions;

namespace Cortex.Jobs.Batch;

/// <summary>What is kept of a batch job beside what every job has. Counts of a job that goes on are in its queue.</summary>
public sealed record BatchPart
{
    /// <summary>What it is to do; its config is kept with the job's configuration.</summary>
    public required BatchSettings Settings { get; init; }

    /// <summary>Name of its queue.</summary>
    public required string Queue { get; init; }

    /// <summary>What was put into the queue; whole once it is <see cref="EnqueueProgress.Done"/> or the job has ended.</summary>
    public EnqueueProgress Enqueued { get; init; }

    /// <summary>Batches that a worker answered with success; known once the job has ended.</summary>
    public long Succeeded { get; init; }

    /// <summary>Batches that were given up; known once the job has ended.</summary>
    public long Failed { get; init; }

    /// <summary>Seconds that <see cref="TimedBatches"/> batches took together.</summary>
    public double Seconds { get; init; }

    /// <summary>Batches that succeeded and whose time is known: all but those at the moment of a crash.</summary>
    public long TimedBatches { get; init; }

    /// <summary>The present worker of places whose first one died, counted from 1.</summary>
    public IReadOnlyDictionary<int, int> Generations { get; init; } = new Dictionary<int, int>();

    /// <summary>The job whose dead batches it tries again; null for others.</summary>
    public string? RetryOf { get; init; }
}
