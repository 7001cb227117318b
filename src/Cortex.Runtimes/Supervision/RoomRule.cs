namespace Cortex.Runtimes.Supervision;

/// <summary>Decides which waiting pods get room, and in which node group. Pure.</summary>
/// <remarks>
/// Pods are looked at in the order of <see cref="RoomLine"/>, and each that fits starts: a small pod may pass a big one that
/// comes before it, but only for a while (<c>patience</c>). Then what is free is kept for the big one, if there will be enough when the jobs that
/// run have ended: so it is not starved by small ones, and they are not starved by one for which there will be no room.
/// </remarks>
internal static class RoomRule
{
    /// <summary>Who may start where, and why the others may not.</summary>
    /// <param name="capacity">All the room there is.</param>
    /// <param name="groups">The machine's node groups; empty for none.</param>
    /// <param name="holders">The pods that have room.</param>
    /// <param name="waiting">The pods that wait, in creation order.</param>
    /// <param name="patience">For how long a pod may be passed.</param>
    public static IReadOnlyDictionary<string, RoomDecision> Decide(
        Room capacity, IReadOnlyList<NodeGroupShare> groups, IEnumerable<RoomHolder> holders, IEnumerable<RoomRequest> waiting, TimeSpan patience)
    {
        var ledger = new RoomLedger(capacity, groups);
        var line = new RoomLine(capacity);
        foreach (var holder in holders)
        {
            ledger.Take(holder);
            line.Holds(holder.Owner, holder.Holds);
        }

        foreach (var request in waiting)
        {
            line.Add(request);
        }

        var decisions = new Dictionary<string, RoomDecision>(StringComparer.Ordinal);
        line.Serve(request =>
        {
            var decision = ledger.Place(request, request.Waited >= patience);
            decisions[request.PodId] = decision;
            return decision.Shortage is null;
        });
        return decisions;
    }
}
