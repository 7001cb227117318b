using System.Text.Json;
using System.Text.Json.Serialization;
using Cortex.Core.Specs;

namespace Cortex.Core.Wire;

/// <summary>One API in the operator's answers; null fields are left out.</summary>
public sealed record ApiResponse
{
    /// <summary>The whole specification.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DeployedSpec? Spec { get; init; }

    /// <summary>Name, kind and version.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ApiMetadata? Metadata { get; init; }

    /// <summary>Replica counts of a Realtime or Async API.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ApiStatus? Status { get; init; }

    /// <summary>What waits and what is in progress in an Async API; left out for other kinds. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public QueueStatus? Queue { get; init; }

    /// <summary>What an Async API's callbacks are signed with: <c>whsec_</c> and the key in base64; only in the answer to describe. Ours.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CallbackKey { get; init; }

    /// <summary>The autoscaler's last decisions that differ from the one before, newest first; only in the answer to describe. Ours.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ScalingStatus>? Scaling { get; init; }

    /// <summary>Targets of a TrafficSplitter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NumTrafficSplitterTargets { get; init; }

    /// <summary>Where a TrafficSplitter sends its requests now; left out for other kinds. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SplitterStatus? Splitter { get; init; }

    /// <summary>The URL that clients call.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Endpoint { get; init; }

    /// <summary>Where its dashboard is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DashboardUrl { get; init; }

    /// <summary>Jobs of a Batch API as http-api.md 5.3 has them; null or left out for other kinds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<JsonElement>? BatchJobStatuses { get; init; }

    /// <summary>Jobs of a Task API as http-api.md 6.2 has them; null or left out for other kinds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<JsonElement>? TaskJobStatuses { get; init; }

    /// <summary>The runs of a Task or Batch API's schedule; left out without one. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ScheduleStatus? Schedule { get; init; }

    /// <summary>The newest versions, newest first, the current one included.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ApiVersion>? ApiVersions { get; init; }
}

/// <summary>Name, kind and version of an API.</summary>
public sealed record ApiMetadata
{
    /// <summary>The API's name.</summary>
    public required string Name { get; init; }

    /// <summary>The API's kind.</summary>
    public required ApiKind Kind { get; init; }

    /// <summary>The API id: this version's identity.</summary>
    public required string Id { get; init; }

    /// <summary>Changes on creation and refresh; left out for kinds without replicas.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DeploymentId { get; init; }

    /// <summary>Unix seconds.</summary>
    public required long LastUpdated { get; init; }
}

/// <summary>Replica counts.</summary>
public sealed record ApiStatus
{
    /// <summary>Ready replicas of any version.</summary>
    public required int Ready { get; init; }

    /// <summary>Replicas that exist and are not on their way out, of any version.</summary>
    public required int Requested { get; init; }

    /// <summary>Replicas of the newest version, in any state.</summary>
    public required int UpToDate { get; init; }

    /// <summary>Replicas by state; only in the answer to describe.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReplicaCounts? ReplicaCounts { get; init; }

    /// <summary>
    /// Why replicas are not ready, one sentence per distinct reason; left out when all are well or the answer is a
    /// list. Ours: Cortex 0.42 has no such field.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Reasons { get; init; }

    /// <summary>What else is worth knowing of replicas, such as that they use more memory than they ask for; only in the answer to describe. Ours.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Notes { get; init; }
}

/// <summary>Replicas by state.</summary>
public sealed record ReplicaCounts
{
    /// <summary>Replicas that are wanted.</summary>
    public int Requested { get; init; }

    /// <summary>Waiting for room.</summary>
    public int Pending { get; init; }

    /// <summary>Pulling images or creating containers.</summary>
    public int Creating { get; init; }

    /// <summary>Running, with a probe that has not passed.</summary>
    public int NotReady { get; init; }

    /// <summary>Taking requests, newest version.</summary>
    public int Ready { get; init; }

    /// <summary>Taking requests, an older version.</summary>
    public int ReadyOutOfDate { get; init; }

    /// <summary>An image can't be had.</summary>
    public int ErrImagePull { get; init; }

    /// <summary>Being deleted, any version.</summary>
    public int Terminating { get; init; }

    /// <summary>A container ended with an error.</summary>
    public int Failed { get; init; }

    /// <summary>A container was ended by a signal.</summary>
    public int Killed { get; init; }

    /// <summary>A container went over its memory limit.</summary>
    [JsonPropertyName("killed_oom")]
    public int KilledOOM { get; init; }

    /// <summary>Pending for longer than the stall threshold.</summary>
    public int Stalled { get; init; }

    /// <summary>The runtime's answer makes no sense.</summary>
    public int Unknown { get; init; }

    /// <summary>Replicas that have room, of any version, by the node group that they take it from; left out where no groups are configured. Ours.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, int>? NodeGroups { get; init; }

    /// <summary>Standing still, to go on when they are wanted; they count neither as requested nor as up to date. Left out when there are none. Ours.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Frozen { get; init; }
}

/// <summary>One version in an API's history.</summary>
/// <param name="ApiId">The API id.</param>
/// <param name="LastUpdated">Unix seconds.</param>
public sealed record ApiVersion(string ApiId, long LastUpdated);

/// <summary>What waits and what is in progress in an Async API.</summary>
public sealed record QueueStatus
{
    /// <summary>Requests that wait for a replica.</summary>
    public required long Waiting { get; init; }

    /// <summary>Requests that wait for their time: delayed by the client, or before the next attempt.</summary>
    public required long Delayed { get; init; }

    /// <summary>Requests that replicas work on.</summary>
    public required long InProgress { get; init; }

    /// <summary>Seconds since the oldest that waits for a replica was submitted; left out when none waits.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? OldestWaitingSeconds { get; init; }
}
