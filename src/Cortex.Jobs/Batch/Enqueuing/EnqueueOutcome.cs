namespace Cortex.Jobs.Batch.Enqueuing;

/// <summary>How enqueuing ended.</summary>
/// <param name="Progress">What is in the queue.</param>
/// <param name="Failure">Why not all is; null when all is.</param>
public sealed record EnqueueOutcome(EnqueueProgress Progress, EnqueueFailure? Failure);

/// <summary>Why a job's items could not all be put into its queue.</summary>
/// <param name="Kind">The error kind of the HTTP contract.</param>
/// <param name="Message">What is wrong, where, and how to mend it.</param>
public sealed record EnqueueFailure(string Kind, string Message);
