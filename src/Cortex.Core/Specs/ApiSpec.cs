using System.Text.Json;

namespace Cortex.Core.Specs;

/// <summary>One API as its YAML declares it, after validation and with every default filled in.</summary>
public sealed record ApiSpec
{
    /// <summary>Unique in the cluster; a DNS-1035 label of at most 42 characters.</summary>
    public required string Name { get; init; }

    /// <summary>What kind of workload this is. It cannot change while the API is deployed.</summary>
    public required ApiKind Kind { get; init; }

    /// <summary>What one replica or worker runs; null for a TrafficSplitter.</summary>
    public PodSpec? Pod { get; init; }

    /// <summary>The node groups it may run on; null means all of them.</summary>
    public IReadOnlyList<string>? NodeGroups { get; init; }

    /// <summary>The targets of a TrafficSplitter; null for every other kind.</summary>
    public IReadOnlyList<TrafficSplitterTarget>? Apis { get; init; }

    /// <summary>What a TrafficSplitter tells its clients apart by; null for nothing, each request counts for itself.</summary>
    public StickySpec? Sticky { get; init; }

    /// <summary>How a TrafficSplitter moves its requests to one target by itself; null for never.</summary>
    public CanarySpec? Canary { get; init; }

    /// <summary>Where it is reached.</summary>
    public required NetworkingSpec Networking { get; init; }

    /// <summary>Replica bounds and the scaling rule; null for kinds that do not scale.</summary>
    public AutoscalingSpec? Autoscaling { get; init; }

    /// <summary>How replicas are replaced; null for kinds without replicas.</summary>
    public UpdateStrategySpec? UpdateStrategy { get; init; }

    /// <summary>How jobs are run; null for kinds without jobs.</summary>
    public JobsSpec? Jobs { get; init; }

    /// <summary>When jobs start by themselves; null for never.</summary>
    public ScheduleSpec? Schedule { get; init; }

    /// <summary>How its requests are kept and tried; null for every kind but AsyncAPI.</summary>
    public QueueSpec? Queue { get; init; }

    /// <summary>What the token in its containers opens at the operator; null for a TrafficSplitter, which has none.</summary>
    public ClientAccess? ClientAccess { get; init; }

    /// <summary>Zero-based position in the submitted file.</summary>
    public int Index { get; init; }

    /// <summary>The name of the submitted file, as the client gave it.</summary>
    public string FileName { get; init; } = "";

    /// <summary>The API's map exactly as it was submitted, before defaults.</summary>
    public JsonElement SubmittedApiSpec { get; init; }
}
