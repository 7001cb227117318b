using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cortex.Core.Wire;

/// <summary>The body of every error answer.</summary>
/// <param name="Kind">The error kind.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
public sealed record ErrorResponse(string Kind, string Message)
{
    /// <summary>Every error of a configuration file, when there is one. Ours: Cortex 0.42 reports only the first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ErrorPlace>? Errors { get; init; }
}

/// <summary>One error of a configuration file with its place.</summary>
/// <param name="Kind">The error kind.</param>
/// <param name="Line">One-based; 0 without a place.</param>
/// <param name="Column">One-based; 0 without a place.</param>
/// <param name="Api">The API's name.</param>
/// <param name="Path">Where in the API.</param>
/// <param name="Message">The whole as one line.</param>
public sealed record ErrorPlace(string Kind, int Line, int Column, string Api, string Path, string Message);

/// <summary>The outcome of a deployment for one API.</summary>
/// <param name="Api">Only <c>spec</c> and <c>endpoint</c>; null when this API failed.</param>
/// <param name="Message">Such as <c>creating hello (RealtimeAPI)</c>; empty on an error.</param>
/// <param name="Error">Empty on success.</param>
public sealed record DeployResult(ApiResponse? Api, string Message, string Error);

/// <summary>An answer that is only a sentence.</summary>
/// <param name="Message">The sentence.</param>
public sealed record MessageResponse(string Message);

/// <summary>The answer to a request for logs.</summary>
/// <param name="LogUrl">Where they can be read.</param>
public sealed record LogResponse(string LogUrl);

/// <summary>The answer to info.</summary>
public sealed record InfoResponse
{
    /// <summary>The configuration of the cluster, flat, with <c>api_version</c>, <c>operator_id</c>, <c>cluster_id</c> and <c>is_operator_in_cluster</c>.</summary>
    public required JsonElement ClusterConfig { get; init; }

    /// <summary>The machines that run replicas.</summary>
    public required IReadOnlyList<WorkerNodeInfo> WorkerNodeInfos { get; init; }

    /// <summary>The machines that run the operator.</summary>
    public required IReadOnlyList<NodeInfo> OperatorNodeInfos { get; init; }

    /// <summary>Replicas that wait for room.</summary>
    public required int NumPendingReplicas { get; init; }

    /// <summary>The URL that every API's endpoint starts with. Ours.</summary>
    public required string EndpointApi { get; init; }

    /// <summary>Health of the parts, by name. Ours; the source of <c>cluster health</c>.</summary>
    public required IReadOnlyDictionary<string, bool> Health { get; init; }

    /// <summary>What is wrong with the parts that do not work, by name; null when all do. Ours.</summary>
    public IReadOnlyDictionary<string, string>? HealthMessages { get; init; }

    /// <summary>Seconds since this server process began to serve. Ours.</summary>
    public required double UptimeSeconds { get; init; }
}

/// <summary>One machine.</summary>
public record NodeInfo
{
    /// <summary>Its node group.</summary>
    public required string NodegroupName { get; init; }

    /// <summary>Its type; <c>local</c> for this machine.</summary>
    public required string InstanceType { get; init; }

    /// <summary>Always false here.</summary>
    public bool IsSpot { get; init; }

    /// <summary>Dollars per hour; 0 here.</summary>
    public double Price { get; init; }
}

/// <summary>One machine that runs replicas.</summary>
public sealed record WorkerNodeInfo : NodeInfo
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Replicas on it.</summary>
    public required int NumReplicas { get; init; }

    /// <summary>Always 0: enqueuing needs no container of its own.</summary>
    public int NumEnqueuerReplicas { get; init; }

    /// <summary>What user containers may reserve.</summary>
    public required NodeCompute ComputeUserCapacity { get; init; }

    /// <summary>What is left of it.</summary>
    public required NodeCompute ComputeAvailable { get; init; }

    /// <summary>What is reserved of it.</summary>
    public required NodeCompute ComputeUserRequested { get; init; }
}

/// <summary>An amount of compute as Kubernetes quantities.</summary>
/// <param name="Cpu">Such as <c>7600m</c>.</param>
/// <param name="Mem">Such as <c>15Gi</c>.</param>
/// <param name="Gpu">Whole GPUs.</param>
/// <param name="Inf">Whole Inferentia chips.</param>
/// <param name="Shm">Always null.</param>
public sealed record NodeCompute(string Cpu, string Mem, long Gpu, long Inf, string? Shm = null);
