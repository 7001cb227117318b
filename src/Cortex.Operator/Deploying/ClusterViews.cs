using Cortex.Core.Specs;
using Cortex.Operator.State;
using Cortex.Runtimes;

namespace Cortex.Operator.Deploying;

/// <summary>What validation must know of this cluster.</summary>
internal static class ClusterViews
{
    /// <summary>The name of the only node group of a cluster whose configuration names none.</summary>
    public const string LocalGroup = "local";

    /// <summary>The deployed APIs and the node groups; on one machine every group is that machine.</summary>
    public static ClusterView From(ApiStore store, RuntimeCapacity capacity, IReadOnlyList<string> nodeGroups) => new(
        Deployed(store),
        [.. nodeGroups.Select(name => new NodeGroupCapacity(name, "local", capacity.CpuMillis, capacity.MemoryBytes, capacity.Gpus))]);

    /// <summary>The deployed APIs at this moment.</summary>
    public static IReadOnlyList<DeployedApi> Deployed(ApiStore store) =>
        [.. store.Apis.Values.Select(api => new DeployedApi(api.Name, api.Spec.Kind, api.Spec.Networking.Endpoint))];
}
