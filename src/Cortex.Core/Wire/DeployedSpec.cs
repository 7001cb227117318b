using System.Text.Json;
using System.Text.Json.Serialization;
using Cortex.Core.Specs;

namespace Cortex.Core.Wire;

/// <summary>An API's specification with the identity of one version of it. Every field of Cortex 0.42 is always written.</summary>
public sealed record DeployedSpec
{
    /// <summary>The API's name.</summary>
    public required string Name { get; init; }

    /// <summary>The API's kind.</summary>
    public required ApiKind Kind { get; init; }

    /// <summary>What one replica or worker runs.</summary>
    public PodSpec? Pod { get; init; }

    /// <summary>The node groups it may run on.</summary>
    public IReadOnlyList<string>? NodeGroups { get; init; }

    /// <summary>The targets of a TrafficSplitter.</summary>
    public IReadOnlyList<TrafficSplitterTarget>? Apis { get; init; }

    /// <summary>What a TrafficSplitter tells its clients apart by; left out for nothing. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StickySpec? Sticky { get; init; }

    /// <summary>How a TrafficSplitter moves its requests to one target by itself; left out for never. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CanarySpec? Canary { get; init; }

    /// <summary>Where it is reached.</summary>
    public required NetworkingSpec Networking { get; init; }

    /// <summary>Replica bounds and the scaling rule.</summary>
    public AutoscalingSpec? Autoscaling { get; init; }

    /// <summary>How replicas are replaced.</summary>
    public UpdateStrategySpec? UpdateStrategy { get; init; }

    /// <summary>How jobs are run; left out for kinds without jobs. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JobsSpec? Jobs { get; init; }

    /// <summary>When jobs start by themselves; left out for never. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ScheduleSpec? Schedule { get; init; }

    /// <summary>How requests are kept and tried; left out for every kind but AsyncAPI. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public QueueSpec? Queue { get; init; }

    /// <summary>
    /// What the token in its containers opens at the operator; left out for a TrafficSplitter, and in versions that were stored before there was
    /// such a field. Ours: Cortex 0.42 has no such field.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ClientAccess? ClientAccess { get; init; }

    /// <summary>Zero-based position in the submitted file.</summary>
    public int Index { get; init; }

    /// <summary>The submitted file's name.</summary>
    public string FileName { get; init; } = "";

    /// <summary>The API's map exactly as submitted.</summary>
    public JsonElement SubmittedApiSpec { get; init; }

    /// <summary>The API id: time id, deployment id and spec id.</summary>
    public required string Id { get; init; }

    /// <summary>Hash of the whole specification after defaulting.</summary>
    public required string SpecId { get; init; }

    /// <summary>Hash of what runs in a pod.</summary>
    public required string PodId { get; init; }

    /// <summary>Changes on creation and refresh; empty for kinds without replicas.</summary>
    public string DeploymentId { get; init; } = "";

    /// <summary>Storage key of this version.</summary>
    public string Key { get; init; } = "";

    /// <summary>Unix nanoseconds.</summary>
    public long InitialDeploymentTime { get; init; }

    /// <summary>Unix seconds.</summary>
    public long LastUpdated { get; init; }

    /// <summary>Storage prefix of this API.</summary>
    public string MetadataRoot { get; init; } = "";

    /// <summary>Adds a version's identity to a specification.</summary>
    public static DeployedSpec From(ApiSpec spec, string id, string specId, string podId, string deploymentId, long initialDeploymentTime, long lastUpdated, string key, string metadataRoot) => new()
    {
        Name = spec.Name,
        Kind = spec.Kind,
        Pod = spec.Pod,
        NodeGroups = spec.NodeGroups,
        Apis = spec.Apis,
        Sticky = spec.Sticky,
        Canary = spec.Canary,
        Networking = spec.Networking,
        Autoscaling = spec.Autoscaling,
        UpdateStrategy = spec.UpdateStrategy,
        Jobs = spec.Jobs,
        Schedule = spec.Schedule,
        Queue = spec.Queue,
        ClientAccess = spec.ClientAccess,
        Index = spec.Index,
        FileName = spec.FileName,
        SubmittedApiSpec = spec.SubmittedApiSpec,
        Id = id,
        SpecId = specId,
        PodId = podId,
        DeploymentId = deploymentId,
        Key = key,
        InitialDeploymentTime = initialDeploymentTime,
        LastUpdated = lastUpdated,
        MetadataRoot = metadataRoot,
    };

    /// <summary>The specification without the version's identity, as if its file had been read again.</summary>
    public ApiSpec ToSpec() => new()
    {
        Name = Name,
        Kind = Kind,
        Pod = Pod,
        NodeGroups = NodeGroups,
        Apis = Apis,
        Sticky = Sticky,
        Canary = Canary,
        Networking = Networking,
        Autoscaling = Autoscaling,
        UpdateStrategy = UpdateStrategy,
        Jobs = Jobs,
        Schedule = Schedule,
        Queue = Queue,
        ClientAccess = ClientAccess,
        Index = Index,
        FileName = FileName,
        SubmittedApiSpec = SubmittedApiSpec,
    };
}
