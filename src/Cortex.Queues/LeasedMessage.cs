namespace Cortex.Queues;

/// <summary>A message that its holder works on.</summary>
public sealed class LeasedMessage
{
    /// <summary>The lease, to be ended by completing, failing or releasing it.</summary>
    public required Lease Lease { get; init; }

    /// <summary>As it was put into the queue.</summary>
    public required ReadOnlyMemory<byte> Head { get; init; }

    /// <summary>As it was put into the queue.</summary>
    public required Body Payload { get; init; }

    /// <summary>0 to 9.</summary>
    public required int Priority { get; init; }

    /// <summary>When it was put into the queue.</summary>
    public required DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>Attempts that have failed before (<see cref="IQueueStore.FailAsync"/>); the present one is this plus 1.</summary>
    public required int FailedAttempts { get; init; }

    /// <summary>Attempts that were lost before without failing (<see cref="IQueueStore.LoseAsync"/>).</summary>
    public required int LostAttempts { get; init; }

    /// <summary>Fires when the lease is its holder's no more: cancelled, expired, or its queue deleted. Work on it should end.</summary>
    public required CancellationToken Revoked { get; init; }
}
