namespace Cortex.Dispatch;

/// <summary>
/// Counters of one replica, guarded by its set. They outlive its place in the snapshot for as long as calls are in progress, so that a replica
/// that returns is not given more than its limit.
/// </summary>
internal sealed class ReplicaState
{
    /// <summary>Its present life; null while the snapshot does not name it.</summary>
    public ReplicaLife? Life { get; set; }

    /// <summary>Calls in progress.</summary>
    public int InFlight { get; set; }

    /// <summary>Timestamp until which it is passed over because it could not be reached; 0 for never.</summary>
    public long SkipUntil { get; set; }

    /// <summary>Completed when <see cref="InFlight"/> falls to 0; null while nobody waits for that.</summary>
    public TaskCompletionSource? Drained { get; set; }
}
