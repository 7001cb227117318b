namespace Cortex.Jobs.Batch.Submissions;

/// <summary>A submission that passed every check that needs nothing but its own text.</summary>
/// <param name="Settings">What the job is to do.</param>
/// <param name="Items">The JSON text of every item, when they came with the submission.</param>
public sealed record BatchSubmission(BatchSettings Settings, IReadOnlyList<ReadOnlyMemory<byte>> Items)
{
    /// <summary>The time of the schedule's run that it is; null when somebody submits it. Not part of a body.</summary>
    public DateTimeOffset? ScheduledAt { get; init; }
}
