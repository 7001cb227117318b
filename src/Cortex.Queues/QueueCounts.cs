namespace Cortex.Queues;

/// <summary>How full a queue is.</summary>
/// <param name="Waiting">Messages that can be leased now.</param>
/// <param name="Delayed">Messages that wait for their time.</param>
/// <param name="Leased">Messages that somebody works on.</param>
/// <param name="OldestWaiting">When the oldest of those that can be leased was put in; null when there is none.</param>
public readonly record struct QueueCounts(long Waiting, long Delayed, long Leased, DateTimeOffset? OldestWaiting);
