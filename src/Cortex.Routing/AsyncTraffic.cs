namespace Cortex.Routing;

/// <summary>What waits and what is in progress in one Async API.</summary>
/// <param name="Waiting">Requests that wait for a replica.</param>
/// <param name="Delayed">Requests that wait for their time: delayed by the client, or before the next attempt.</param>
/// <param name="InProgress">Requests that replicas work on.</param>
/// <param name="OldestWaiting">When the oldest that waits for a replica was submitted; null when none does.</param>
public readonly record struct AsyncTraffic(long Waiting, long Delayed, long InProgress, DateTimeOffset? OldestWaiting)
{
    /// <summary>Answers of replicas since the API came into service here.</summary>
    public long Answers { get; init; }

    /// <summary>The time that these answers took, added up.</summary>
    public TimeSpan AnswerTime { get; init; }
}
