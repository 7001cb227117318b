using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Units;

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

    /// <summary>Blobs that go to a bucket have one.</summary>
    public static void BucketForS3(MapValue storage, Walk walk)
    {
        if (storage.TryGet("blobs", out string blobs) && blobs == "s3" && storage.TryGet("s3", out MapValue s3) && !s3.HasValue("bucket"))
        {
            walk.Fail(s3.SpotOf("bucket"), ErrorKinds.MustBeDefined, "must be defined when blobs is s3");
        }
    }

    /// <summary>An access key is an id and a secret.</summary>
    public static void WholeAccessKey(MapValue s3, Walk walk)
    {
        var (id, secret) = (s3.HasValue("access_key"), s3.HasValue("secret_key"));
        if (id != secret)
        {
            walk.Fail(s3.Spot, ErrorKinds.MustBeDefined, $"has {(id ? "access_key" : "secret_key")} without {(id ? "secret_key" : "access_key")}; give both or neither");
        }
    }

    /// <summary>Sources are read with one key or with the environment's.</summary>
    public static void OneIdentity(MapValue s3, Walk walk)
    {
        if (s3.HasValue("access_key") && s3.TryGet("environment", out bool environment) && environment)
        {
            walk.Fail(s3.SpotOf("environment"), ErrorKinds.SpecifyExactlyOneField, "there is an access key besides; use one of them");
        }
    }

    /// <summary>Who may come in is not said where nobody keeps it.</summary>
    public static void AllowLists(MapValue cluster, Walk walk)
    {
        foreach (var (key, listener) in new[] { ("api_load_balancer_cidr_white_list", "apis.host"), ("operator_load_balancer_cidr_white_list", "operator.host") })
        {
            if (cluster.TryGet(key, out ListValue list) && list.Items.Count > 0 && !list.Of<string>().Contains("0.0.0.0/0"))
            {
                walk.Fail(cluster.SpotOf(key), ErrorKinds.DisallowedField, $"is not kept here: it would let everybody in who reaches {listener}; remove it, and use a firewall or a reverse proxy");
            }
        }
    }

    /// <summary>The first pause between attempts is not longer than the longest.</summary>
    public static void CallbackBackoff(MapValue callbacks, Walk walk)
    {
        if (callbacks.TryGet("backoff", out TimeSpan first) && callbacks.TryGet("backoff_max", out TimeSpan longest) && first > longest)
        {
            var blamed = callbacks.IsWritten("backoff") ? "backoff" : "backoff_max";
            walk.Fail(callbacks.SpotOf(blamed), ErrorKinds.LessThanOrEqualTo, $"backoff ({GoDuration.Format(first)}) must not exceed backoff_max ({GoDuration.Format(longest)})");
        }
    }
}
