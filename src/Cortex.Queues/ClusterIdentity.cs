namespace Cortex.Queues;

/// <summary>Whose a store is. A store bears the id of the cluster that first used it and refuses every other.</summary>
/// <param name="Id">The cluster's id, the same for all its processes and over all its starts.</param>
/// <param name="Label">Tells people which cluster it is, such as its name and its machine; without line breaks.</param>
/// <param name="Adopt">Id of another cluster whose stores this one takes over; null for none.</param>
public sealed record ClusterIdentity(string Id, string Label, string? Adopt = null)
{
    /// <summary>Whether a store has to be marked as ours before it is used.</summary>
    /// <param name="store">What the store is, for the message.</param>
    /// <param name="owner">Id that it bears; null when it bears none yet.</param>
    /// <param name="label">The owner's label.</param>
    /// <returns>True when it bears no id, or that of the cluster that is adopted; false when it bears ours.</returns>
    /// <exception cref="StoreOwnedException">It is another cluster's.</exception>
    public bool MustMark(string store, string? owner, string? label)
    {
        if (owner == Id)
        {
            return false;
        }

        return owner is null || owner == Adopt ? true : throw new StoreOwnedException(
            $"{store} belongs to another cluster ({label ?? "unnamed"}, id {owner}); give this cluster a place of its own, or, if that cluster is gone for good and this one takes its place, set storage.adopt: {owner} in the cluster configuration");
    }
}
