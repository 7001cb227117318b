using Cortex.Core.Wire;

namespace Cortex.Client.Deploying;

/// <summary>What has been seen of one API's replicas on their way to ready.</summary>
internal sealed class ReplicaProgress(string name)
{
    /// <summary>How long replicas must fail before waiting on is pointless: long enough for a first restart.</summary>
    public static readonly TimeSpan FailureThreshold = TimeSpan.FromSeconds(10);

    private TimeSpan? _failingSince;
    private TimeSpan _lastFailure;

    public string Name { get; } = name;

    /// <summary>Every wanted replica is ready and of the newest version.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Replicas have failed for longer than the threshold.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Containers have run, so that there may be something in their logs.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Why replicas are not ready, as the operator last said.</summary>
    public IReadOnlyList<string> Reasons { get; private set; } = [];

    /// <summary>Such as <c>1/2 ready, 1 creating</c>.</summary>
    public string State { get; private set; } = "waiting";

    /// <summary>Takes in what the operator says now.</summary>
    /// <param name="api">The answer to describe.</param>
    /// <param name="elapsed">Time since the wait began.</param>
    public void Observe(ApiResponse api, TimeSpan elapsed)
    {
        var counts = api.Status?.ReplicaCounts ?? new ReplicaCounts { Requested = api.Status?.Requested ?? 0, Ready = api.Status?.Ready ?? 0 };
        Reasons = api.Status?.Reasons ?? [];
        IsReady = counts.Ready >= counts.Requested && counts.ReadyOutOfDate == 0;
        HasStarted |= counts.NotReady + counts.Failed + counts.Killed + counts.KilledOOM > 0;
        State = Describe(counts);
        var unreachable = counts.NotReady > 0 && Reasons.Any(reason => reason.Contains(ReplicaReasons.LoopbackOnly, StringComparison.Ordinal));
        if (!unreachable && counts.ErrImagePull + counts.Failed + counts.Killed + counts.KilledOOM == 0)
        {
            // A crashing replica looks healthy between its restarts, so one good look proves nothing.
            _failingSince = elapsed - _lastFailure > FailureThreshold ? null : _failingSince;
            return;
        }

        _failingSince ??= elapsed;
        _lastFailure = elapsed;
        HasFailed = elapsed - _failingSince > FailureThreshold;
    }

    private static string Describe(ReplicaCounts counts)
    {
        (int Count, string State)[] others =
        [
            (counts.Pending, "pending"), (counts.Creating, "creating"), (counts.NotReady, "not ready"),
            (counts.ReadyOutOfDate, "out of date"), (counts.Terminating, "terminating"), (counts.Stalled, "stalled"),
            (counts.ErrImagePull, "image pull failed"), (counts.Failed, "failed"), (counts.Killed, "killed"),
            (counts.KilledOOM, "killed (out of memory)"), (counts.Unknown, "unknown"),
        ];
        return $"{counts.Ready}/{counts.Requested} ready" + string.Concat(others.Where(other => other.Count > 0).Select(other => $", {other.Count} {other.State}"));
    }
}
