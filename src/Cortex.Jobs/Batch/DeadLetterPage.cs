using Cortex.Queues;

namespace Cortex.Jobs.Batch;

/// <summary>Some of the batches that a job gave up, the last ones first.</summary>
/// <param name="Batches">The batches.</param>
/// <param name="Next">Cursor of the next page; null after the last.</param>
public sealed record DeadLetterPage(IReadOnlyList<DeadLetter> Batches, string? Next);

/// <summary>A batch that was given up.</summary>
/// <param name="Id">The batch.</param>
/// <param name="FinishedAt">When it was given up.</param>
/// <param name="Attempts">Its latest attempts with their reasons and the first kilobyte of the worker's answer, oldest first.</param>
/// <param name="Batch">A JSON array of its items.</param>
public sealed record DeadLetter(string Id, DateTimeOffset? FinishedAt, IReadOnlyList<Attempt> Attempts, ReadOnlyMemory<byte> Batch);
