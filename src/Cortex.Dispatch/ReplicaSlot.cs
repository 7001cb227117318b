namespace Cortex.Dispatch;

/// <summary>The right to have one call in progress on a replica.</summary>
/// <param name="State">The replica's counters.</param>
/// <param name="Life">The replica as it was when the slot was taken.</param>
internal readonly record struct ReplicaSlot(ReplicaState State, ReplicaLife Life)
{
    /// <summary>The replica's id.</summary>
    public string ReplicaId => Life.Replica.Id;
}
