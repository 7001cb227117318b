namespace Cortex.Jobs.Batch.Enqueuing;

/// <summary>How far a job's batches are in its queue.</summary>
/// <param name="Items">Items in batches that are in the queue.</param>
/// <param name="Batches">Batches in the queue, those that left it since included.</param>
/// <param name="Done">Whether these are all.</param>
public readonly record struct EnqueueProgress(long Items, long Batches, bool Done);
