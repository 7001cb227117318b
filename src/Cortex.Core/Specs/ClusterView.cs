namespace Cortex.Core.Specs;

/// <summary>What a deployment needs to know of its cluster before it is accepted.</summary>
/// <param name="Apis">Every API that is deployed.</param>
/// <param name="NodeGroups">Every node group.</param>
public sealed record ClusterView(IReadOnlyList<DeployedApi> Apis, IReadOnlyList<NodeGroupCapacity> NodeGroups)
{
    /// <summary>APIs that may be deployed.</summary>
    public int MaxApis { get; init; } = int.MaxValue;

    /// <summary>Replicas that one API may ask for.</summary>
    public int MaxReplicas { get; init; } = int.MaxValue;
}

/// <summary>An API that is deployed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Endpoint">Its canonical path.</param>
public sealed record DeployedApi(string Name, ApiKind Kind, string Endpoint);

/// <summary>What one empty node of a group can give to a single pod.</summary>
/// <param name="Name">The group's name.</param>
/// <param name="InstanceType">Its type; <c>local</c> for this machine.</param>
/// <param name="CpuMillis">Thousandths of a processor that may be requested, overcommitment included.</param>
/// <param name="MemoryBytes">Bytes that may be requested, the system's share taken off.</param>
/// <param name="Gpu">Whole GPUs.</param>
/// <param name="Inf">Whole Inferentia chips.</param>
public sealed record NodeGroupCapacity(string Name, string InstanceType, long CpuMillis, long MemoryBytes, long Gpu = 0, long Inf = 0);
