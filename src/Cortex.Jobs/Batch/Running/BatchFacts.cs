using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch.Running;

/// <summary>All that is known of a batch job at one moment and that its next step depends on.</summary>
internal sealed record BatchFacts
{
    /// <summary>Where it was; not final.</summary>
    public required JobStatus Status { get; init; }

    /// <summary>When it is ended if it is not over; null for never.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Set once it was decided to end it, also by its user.</summary>
    public BatchEnding? Ending { get; init; }

    /// <summary>Whether its items are being put into the queue now.</summary>
    public bool IsEnqueuing { get; init; }

    /// <summary>What has been put into the queue.</summary>
    public EnqueueProgress Enqueued { get; init; }

    /// <summary>Why enqueuing ended early; null when it did not.</summary>
    public EnqueueFailure? EnqueueFailure { get; init; }

    /// <summary>Batches that a worker answered with success.</summary>
    public long Succeeded { get; init; }

    /// <summary>Batches that were given up.</summary>
    public long Failed { get; init; }

    /// <summary>Its workers, one place for each that was asked for.</summary>
    public required IReadOnlyList<WorkerFacts> Workers { get; init; }

    /// <summary>Workers that died since a batch was last finished.</summary>
    public int DeathsInARow { get; init; }

    /// <summary>Whether one of those used more memory than its limit.</summary>
    public bool DiedOfMemory { get; init; }

    /// <summary>How the last of those died.</summary>
    public string LastDeath { get; init; } = "";

    /// <summary>No dead worker is replaced before; null for at once.</summary>
    public DateTimeOffset? ReplaceAt { get; init; }

    /// <summary>Since when no worker runs although at least one is wanted; null while one does or none is.</summary>
    public DateTimeOffset? IdleSince { get; init; }

    /// <summary>What has become of telling a worker that the job is complete.</summary>
    public JobCompletion Completion { get; init; }
}

/// <summary>A place for a worker.</summary>
/// <param name="State">Of its pod; null when there is none.</param>
/// <param name="IsCreated">Whether a pod was created that nobody has seen die.</param>
/// <param name="WasTried">Whether this place had a pod before.</param>
/// <param name="Reason">Why the pod is in its state.</param>
internal readonly record struct WorkerFacts(PodState? State, bool IsCreated, bool WasTried, string Reason);

/// <summary>What has become of telling a worker that the job is complete.</summary>
internal enum JobCompletion
{
    /// <summary>No worker was told, or the one that was told died over it.</summary>
    Untold,

    /// <summary>One is being told.</summary>
    Telling,

    /// <summary>One answered, whatever it was.</summary>
    Told,
}

/// <summary>A decision to end a job.</summary>
/// <param name="Status">How it will have ended.</param>
/// <param name="Message">Why, for people.</param>
internal sealed record BatchEnding(JobStatus Status, string Message);
