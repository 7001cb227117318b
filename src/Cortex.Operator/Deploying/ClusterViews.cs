using Cortex.Core.Clusters;
using Cortex.Core.Specs;
using Cortex.Operator.State;
using Cortex.Runtimes;

namespace Cortex.Operator.Deploying;

/// <summary>What validation must know of this cluster.</summary>
internal static class ClusterViews
{
    /// <summary>The name of the only node group of a cluster whose configuration names none, and the type of this machine.</summary>
    public const string LocalGroup = "local";

    private static readonly NodeGroup _local = new() { Name = LocalGroup, InstanceType = LocalGroup };

    /// <summary>The deployed APIs, and what each node group can give: its share of the machine, or all of it.</summary>
    public static ClusterView From(IApiStore store, RuntimeCapacity capacity, IReadOnlyList<NodeGroup> groups, LimitSettings limits) => new(
        Deployed(store), [.. (groups.Count > 0 ? groups : [_local]).Select(group => Capacity(group, capacity))])
    {
        MaxApis = limits.MaxApis,
        MaxReplicas = limits.MaxReplicas,
    };

    /// <summary>The deployed APIs at this moment.</summary>
    public static IReadOnlyList<DeployedApi> Deployed(IApiStore store) =>
        [.. store.Apis.Values.Select(api => new DeployedApi(api.Name, api.Spec.Kind, api.Spec.Networking.Endpoint))];

    private static NodeGroupCapacity Capacity(NodeGroup group, RuntimeCapacity machine) => new(
        group.Name,
        group.Resources is null ? LocalGroup : group.InstanceType,
        Math.Min(group.Resources?.CpuMillis ?? long.MaxValue, machine.CpuMillis),
        Math.Min(group.Resources?.MemoryBytes ?? long.MaxValue, machine.MemoryBytes),
        Math.Min(group.Resources?.Gpus ?? long.MaxValue, machine.Gpus));
}
