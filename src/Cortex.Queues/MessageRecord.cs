namespace Cortex.Queues;

/// <summary>What is known of a message at one moment.</summary>
public sealed record MessageRecord
{
    /// <summary>The message.</summary>
    public required MessageId Id { get; init; }

    /// <summary>Where it is.</summary>
    public required MessageStatus Status { get; init; }

    /// <summary>0 to 9.</summary>
    public required int Priority { get; init; }

    /// <summary>When it was put into the queue.</summary>
    public required DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>It is not leased before this time; null when it may be leased now, and for other states than waiting.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When it became final; null before.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The result of a completed message; null otherwise.</summary>
    public Body? Result { get; init; }

    /// <summary>What the worker last answered to a failed message, when it was kept; null otherwise and in lists.</summary>
    public Body? Answer { get; init; }

    /// <summary>As it was put into the queue; empty for a completed message.</summary>
    public ReadOnlyMemory<byte> Head { get; init; }

    /// <summary>As it was put into the queue; null for a completed message.</summary>
    public Body? Payload { get; init; }

    /// <summary>Attempts that have failed.</summary>
    public int FailedAttempts { get; init; }

    /// <summary>Attempts that were lost without failing.</summary>
    public int LostAttempts { get; init; }

    /// <summary>The latest attempts that did not complete it, oldest first; see <see cref="QueueStoreOptions.AttemptsKept"/>. Empty in lists.</summary>
    public IReadOnlyList<Attempt> Attempts { get; init; } = [];

    /// <summary>The message that was put into its follow-up queue when it last became final; null when there is none.</summary>
    public MessageId? FollowUp { get; init; }
}
