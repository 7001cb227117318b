using Cortex.Core.Wire;
using Cortex.Operator.Reconciling;
using Cortex.Operator.State;
using Cortex.Runtimes;

namespace Cortex.Operator.Reading;

/// <summary>Counts an API's replicas by state, as Cortex 0.42 defines the buckets.</summary>
internal static class ReplicaCounter
{
    private const int MaxReasons = 10;

    /// <summary>The status of one API.</summary>
    /// <param name="api">What is wanted.</param>
    /// <param name="pods">The API's pods.</param>
    /// <param name="isStopping">Whether a pod is on its way out although it may still be ready.</param>
    /// <param name="createError">Why the last replica could not be created; null when it could.</param>
    /// <param name="trouble">What is wrong with the runtime; null when nothing is known to be.</param>
    public static ApiStatus Count(WantedApi api, IEnumerable<PodStatus> pods, Func<string, bool> isStopping, string? createError, string? trouble = null)
    {
        var ready = 0;
        var existing = 0;
        var upToDate = 0;
        var counts = new ReplicaCounts { Requested = api.Replicas };
        var reasons = new Dictionary<string, int>(StringComparer.Ordinal);
        var groups = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var waiting = 0;
        var memory = new MemoryNotes(api.Spec);
        foreach (var pod in pods)
        {
            var latest = PodFactory.IsLatest(pod.Labels, api.Spec);
            var state = isStopping(pod.Id) ? PodState.Terminating : pod.State;
            if (state == PodState.Frozen)
            {
                counts = counts with { Frozen = counts.Frozen + 1 };
                continue;
            }

            existing += state != PodState.Terminating ? 1 : 0;
            ready += state == PodState.Ready ? 1 : 0;
            upToDate += latest && state != PodState.Terminating ? 1 : 0;
            counts = Add(counts, state, latest);
            if (latest)
            {
                memory.Add(pod);
            }

            waiting += latest && (state is PodState.Pending or PodState.Stalled) ? 1 : 0;
            if (pod.NodeGroup is { } group)
            {
                groups[group] = groups.GetValueOrDefault(group) + 1;
            }

            if (latest && pod.Reason.Length > 0 && state is not (PodState.Ready or PodState.Terminating))
            {
                var reason = $"{Name(state)}: {pod.Reason}";
                reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
            }
        }

        List<string> sentences = [.. reasons.OrderByDescending(reason => reason.Value).Take(MaxReasons)
            .Select(reason => reason.Value == 1 ? $"1 replica {reason.Key}" : $"{reason.Value} replicas {reason.Key}")];
        if (waiting > 0 && api.Replicas > upToDate)
        {
            var more = api.Replicas - upToDate;
            sentences.Add($"{more} more {(more == 1 ? "replica is" : "replicas are")} created as soon as those that wait have room");
        }

        if (trouble is not null)
        {
            // Whatever else keeps a replica from being ready can't be mended before this.
            sentences.Insert(0, trouble);
        }

        if (createError is not null)
        {
            sentences.Add($"replicas can't be created: {createError}");
        }

        return new ApiStatus
        {
            Ready = ready,
            Requested = existing,
            UpToDate = upToDate,
            ReplicaCounts = groups.Count > 0 ? counts with { NodeGroups = groups } : counts,
            Reasons = sentences.Count > 0 ? sentences : null,
            Notes = memory.Sentences() is { Count: > 0 } notes ? notes : null,
        };
    }

    /// <summary>Whether the newest version is still on its way: too few ready replicas of it, and none that failed.</summary>
    public static bool IsUpdating(WantedApi api, ApiStatus status)
    {
        var counts = status.ReplicaCounts ?? throw new ArgumentException("the status has no replica counts", nameof(status));
        var failed = counts.ErrImagePull + counts.Failed + counts.Killed + counts.KilledOOM + counts.Unknown;
        return counts.Ready < (api.Spec.Autoscaling?.MinReplicas ?? 1) && failed == 0;
    }

    private static ReplicaCounts Add(ReplicaCounts counts, PodState state, bool latest) => (state, latest) switch
    {
        (PodState.Ready, true) => counts with { Ready = counts.Ready + 1 },
        (PodState.Ready, false) => counts with { ReadyOutOfDate = counts.ReadyOutOfDate + 1 },
        (PodState.Terminating, _) => counts with { Terminating = counts.Terminating + 1 },
        (_, false) => counts,
        (PodState.Pending, _) => counts with { Pending = counts.Pending + 1 },
        (PodState.Stalled, _) => counts with { Stalled = counts.Stalled + 1 },
        (PodState.Creating, _) => counts with { Creating = counts.Creating + 1 },
        (PodState.NotReady, _) => counts with { NotReady = counts.NotReady + 1 },
        (PodState.ErrImagePull, _) => counts with { ErrImagePull = counts.ErrImagePull + 1 },
        (PodState.Failed, _) => counts with { Failed = counts.Failed + 1 },
        (PodState.Killed, _) => counts with { Killed = counts.Killed + 1 },
        (PodState.KilledOOM, _) => counts with { KilledOOM = counts.KilledOOM + 1 },
        _ => counts with { Unknown = counts.Unknown + 1 },
    };

    private static string Name(PodState state) => state switch
    {
        PodState.Pending => "pending",
        PodState.Stalled => "stalled",
        PodState.Creating => "creating",
        PodState.NotReady => "not ready",
        PodState.ErrImagePull => "can't get its image",
        PodState.Failed => "failed",
        PodState.Killed => "killed",
        PodState.KilledOOM => "killed, out of memory",
        _ => state.ToString(),
    };
}
