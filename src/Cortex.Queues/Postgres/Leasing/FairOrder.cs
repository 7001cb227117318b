namespace Cortex.Queues.Postgres.Leasing;

/// <summary>
/// The order in which fetched messages are handed out: the highest priority first, within it the oldest; every n-th time
/// the oldest of all. Pure but for its count.
/// </summary>
internal sealed class FairOrder(int interval)
{
    private int _handedOut;

    /// <summary>How many of the next <paramref name="count"/> go to the oldest whatever their priority.</summary>
    public int FairAmong(int count) => ((_handedOut + count) / interval) - (_handedOut / interval);

    /// <summary>Puts into order what was fetched together.</summary>
    public List<Fetched> Sort(List<Fetched> fetched)
    {
        var byPriority = new List<Fetched>(fetched);
        byPriority.Sort((a, b) => a.Message.Priority != b.Message.Priority
            ? b.Message.Priority.CompareTo(a.Message.Priority)
            : a.Held.Lease.Id.Sequence.CompareTo(b.Held.Lease.Id.Sequence));
        var byAge = new List<Fetched>(fetched);
        byAge.Sort((a, b) => a.Held.Lease.Id.Sequence.CompareTo(b.Held.Lease.Id.Sequence));

        var sorted = new List<Fetched>(fetched.Count);
        var taken = new HashSet<Fetched>(ReferenceEqualityComparer.Instance);
        int nextByPriority = 0, nextByAge = 0;
        while (sorted.Count < fetched.Count)
        {
            var isFair = ++_handedOut % interval == 0;
            Fetched next;
            do
            {
                next = isFair ? byAge[nextByAge++] : byPriority[nextByPriority++];
            }
            while (!taken.Add(next));

            sorted.Add(next);
        }

        return sorted;
    }
}
