namespace Cortex.Operator.Reconciling;

/// <summary>Decides which replicas of one API to start and stop next. Pure: no clock, no I/O.</summary>
/// <remarks>
/// The rule of Kubernetes' rolling update: never more than <c>wanted + surge</c> replicas, never fewer than
/// <c>wanted - unavailable</c> ready ones. It differs in two points. Replicas that are still stopping count as
/// existing, so that a surge of zero really frees the room first; and replicas of an older version that take no
/// requests go at once, because they hold room and give nothing.
/// </remarks>
internal static class Rollout
{
    /// <summary>The next step. Applying it and asking again leads to <paramref name="wanted"/> replicas of the newest version.</summary>
    /// <param name="wanted">Replicas that should run; 0 or more.</param>
    /// <param name="surge">Replicas allowed above <paramref name="wanted"/> during an update.</param>
    /// <param name="unavailable">Ready replicas that may be missing during an update.</param>
    /// <param name="replicas">Every replica that exists.</param>
    public static RolloutStep Next(int wanted, int surge, int unavailable, IReadOnlyCollection<RolloutReplica> replicas)
    {
        var live = replicas.Where(replica => !replica.Stopping).ToList();
        var latest = live.Where(replica => replica.Latest).ToList();
        var old = live.Where(replica => !replica.Latest).ToList();
        var stop = new List<string>();

        // Too many of the newest version: those that do not serve first, then the youngest.
        var surplus = latest.Count - wanted;
        stop.AddRange(latest.OrderBy(replica => replica.Ready).ThenByDescending(replica => replica.CreatedAt)
            .Take(Math.Max(0, surplus)).Select(replica => replica.Id));

        stop.AddRange(old.Where(replica => !replica.Ready).Select(replica => replica.Id));

        var ready = Math.Min(wanted, latest.Count(replica => replica.Ready)) + old.Count(replica => replica.Ready);
        var spare = ready - Math.Max(0, wanted - unavailable);
        stop.AddRange(old.Where(replica => replica.Ready).OrderBy(replica => replica.CreatedAt)
            .Take(Math.Max(0, spare)).Select(replica => replica.Id));

        // During an update what is stopping still takes room; a lost replica is replaced without waiting for its remains.
        var updating = old.Count > 0 || replicas.Any(replica => replica is { Stopping: true, Latest: false });
        var existing = updating ? replicas.Count : latest.Count;
        var room = updating ? (long)wanted + surge - existing : wanted - latest.Count;
        var start = (int)Math.Clamp(room, 0, Math.Max(0, wanted - latest.Count));

        return new RolloutStep(start, stop);
    }
}

/// <summary>One replica as the rollout sees it.</summary>
/// <param name="Id">The pod's id.</param>
/// <param name="Latest">Whether it runs the newest version.</param>
/// <param name="Ready">Whether it takes requests.</param>
/// <param name="Stopping">Whether it is being drained or deleted.</param>
/// <param name="CreatedAt">When it was created.</param>
internal readonly record struct RolloutReplica(string Id, bool Latest, bool Ready, bool Stopping, DateTimeOffset CreatedAt);

/// <summary>What to do next.</summary>
/// <param name="Start">Replicas of the newest version to start.</param>
/// <param name="Stop">Replicas to drain and delete.</param>
internal sealed record RolloutStep(int Start, IReadOnlyList<string> Stop);
