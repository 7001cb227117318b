using Cortex.Core.Errors;
using Cortex.Core.Shapes;

namespace Cortex.Core.Clusters;

/// <summary>Rules over several values of a cluster configuration.</summary>
internal static class ClusterRules
{
    /// <summary>A node group can have a machine.</summary>
    public static void InstanceBounds(MapValue group, Walk walk)
    {
        if (!group.TryGet("max_instances", out long max))
        {
            return;
        }

        if (max == 0)
        {
            walk.Fail(group.SpotOf("max_instances"), ErrorKinds.NodeGroupMaxInstancesIsZero, "must be at least 1, or the group can never have a machine");
        }
        else if (group.TryGet("min_instances", out long min) && min > max)
        {
            var blamed = group.IsWritten("min_instances") ? "min_instances" : "max_instances";
            walk.Fail(group.SpotOf(blamed), ErrorKinds.MinInstancesGreaterThanMax, $"min_instances ({min}) must not exceed max_instances ({max})");
        }
    }

    /// <summary>Names of node groups are unique.</summary>
    public static void UniqueNodeGroups(MapValue cluster, Walk walk)
    {
        if (!cluster.TryGet("node_groups", out ListValue groups))
        {
            return;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var group in groups.Of<MapValue>())
        {
            if (group.TryGet("name", out string name) && !seen.Add(name))
            {
                walk.Fail(group.SpotOf("name"), ErrorKinds.DuplicateNodegroupName, $"\"{name}\" is the name of another node group");
            }
        }
    }

    /// <summary>The operator and the APIs do not listen on one address.</summary>
    public static void TwoPorts(MapValue cluster, Walk walk)
    {
        if (cluster.TryGet("operator", out MapValue op) && op.TryGet("port", out long operatorPort)
            && cluster.TryGet("apis", out MapValue apis) && apis.TryGet("port", out long apisPort) && operatorPort == apisPort)
        {
            var blamed = apis.IsWritten("port") ? apis : op;
            walk.Fail(blamed.SpotOf("port"), ErrorKinds.SamePort, $"operator and apis both listen on port {operatorPort}; give each its own");
        }
    }
}
