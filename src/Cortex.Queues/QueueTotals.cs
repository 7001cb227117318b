namespace Cortex.Queues;

/// <summary>How many messages of a queue are not final, and how many failed, at one moment.</summary>
/// <param name="Unfinished">Messages that wait, whether or not they can be leased now, or that somebody works on.</param>
/// <param name="Failed">Messages that were given up.</param>
public readonly record struct QueueTotals(long Unfinished, long Failed);
