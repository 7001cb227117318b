namespace Cortex.Runtimes.Supervision;

/// <summary>A pod that waits for room.</summary>
/// <param name="PodId">The pod.</param>
/// <param name="Owner">Who it is for.</param>
/// <param name="Wants">What it asks for.</param>
/// <param name="Waited">For how long it has waited.</param>
/// <param name="NodeGroups">The node groups that it may use, the first preferred among equals; null for all.</param>
internal sealed record RoomRequest(string PodId, RoomOwner Owner, Room Wants, TimeSpan Waited, IReadOnlyList<string>? NodeGroups)
{
    public static RoomRequest Of(PodDefinition pod, TimeSpan waited) => new(pod.Id, RoomOwner.Of(pod), Room.Of(pod), waited, pod.NodeGroups);
}

/// <summary>A pod that has room.</summary>
/// <param name="Owner">Who it is for.</param>
/// <param name="Holds">What it takes.</param>
/// <param name="NodeGroup">The node group that it takes it from; null when that is not known.</param>
/// <param name="NodeGroups">The node groups that it may use; null for all.</param>
/// <param name="FrozenId">The pod's id when it stands still, else null.</param>
internal sealed record RoomHolder(RoomOwner Owner, Room Holds, string? NodeGroup, IReadOnlyList<string>? NodeGroups, string? FrozenId = null)
{
    /// <summary>A pod that has room.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="isFrozen">Whether it stands still: then it holds what it needs without computing.</param>
    /// <param name="nodeGroup">The node group that it takes its room from; null when that is not known.</param>
    public static RoomHolder Of(PodDefinition pod, bool isFrozen, string? nodeGroup) =>
        new(RoomOwner.Of(pod), isFrozen ? Room.Of(pod).Frozen : Room.Of(pod), nodeGroup, pod.NodeGroups, isFrozen ? pod.Id : null);
}

/// <summary>Who a pod is for: an API, and in it a job.</summary>
/// <param name="Api">The API's name; the pod's own id when it belongs to none.</param>
/// <param name="Job">The job's id; empty for a replica.</param>
internal readonly record struct RoomOwner(string Api, string Job)
{
    /// <summary>Whether its pods end by themselves, as workers of jobs do and replicas do not.</summary>
    public bool Ends => Job.Length > 0;

    public static RoomOwner Of(PodDefinition pod) => new(pod.Labels.GetValueOrDefault(PodLabels.ApiName, pod.Id), pod.Labels.GetValueOrDefault(PodLabels.JobId, ""));
}

/// <summary>What becomes of a request.</summary>
/// <param name="NodeGroup">The node group that the pod takes its room from; null when there are no groups.</param>
/// <param name="Shortage">Why it gets none; null when it gets some.</param>
/// <param name="WaitsFor">The frozen pod that is the first in its way, when it would get some without frozen pods; else null.</param>
internal readonly record struct RoomDecision(string? NodeGroup, string? Shortage, string? WaitsFor = null);
