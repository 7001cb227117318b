using Cortex.Core.Clusters;
using Cortex.Gateway;
using Cortex.Runtimes.Docker;

namespace Cortex.Server;

/// <summary>Hands the cluster's configuration to the parts.</summary>
internal static class RuntimeSettings
{
    private const string UnixScheme = "unix://";

    /// <summary>Names by which containers reach this machine, as in Cortex 0.42.</summary>
    private static readonly string[] _insideNames =
    [
        "ingressgateway-apis.istio-system.svc.cluster.local",
        OperatorName,
        "operator.default.svc.cluster.local",
    ];

    /// <summary>The name that leads to the operator on port 80 inside the cluster.</summary>
    public const string OperatorName = "ingressgateway-operator.istio-system.svc.cluster.local";

    /// <summary>The Docker part of the configuration.</summary>
    public static DockerRuntimeOptions Docker(ClusterConfig config) => new()
    {
        ClusterName = config.ClusterName,
        SocketPath = config.Docker.Host[UnixScheme.Length..],
        AddressMode = config.Docker.Address switch
        {
            ReplicaAddressing.Bridge => AddressMode.Bridge,
            ReplicaAddressing.Loopback => AddressMode.Loopback,
            _ => AddressMode.Auto,
        },
        CpuOvercommit = config.Docker.CpuOvercommit,
        MemoryReserveBytes = config.Docker.MemoryReserve,
        ParallelStarts = config.Docker.ParallelStarts,
        SpareNetworks = config.Docker.SpareNetworks,
        PullTimeout = config.Docker.PullTimeout,
        StalledAfter = config.Limits.StalledAfter,
        HostAliases = _insideNames,
    };

    /// <summary>The gateway's part of the configuration.</summary>
    public static GatewayOptions Gateway(ClusterConfig config) => new()
    {
        MaxRequestBody = config.Gateway.MaxRequestBody,
        MaxHeaderSize = (int)config.Gateway.MaxHeaderSize,
        MaxHeaders = config.Gateway.MaxHeaders,
        HeaderTimeout = config.Gateway.HeaderTimeout,
        KeepAliveTimeout = config.Gateway.KeepAliveTimeout,
        ConnectTimeout = config.Gateway.ConnectTimeout,
        QueueTimeout = config.Gateway.QueueTimeout,
        IdleTimeout = config.Gateway.IdleTimeout,
        MaxConnections = config.Gateway.MaxConnections,
    };
}
