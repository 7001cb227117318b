using System.Net;
using Cortex.Async;
using Cortex.Dispatch;
using Cortex.Core.Clusters;
using Cortex.Gateway;
using Cortex.Gateway.Listening;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Runtimes;
using Cortex.Runtimes.Docker;

namespace Cortex.Server;

/// <summary>Hands the cluster's configuration to the parts.</summary>
internal static class PartOptions
{
    private const string UnixScheme = "unix://";

    /// <summary>Names by which containers reach this machine: those of Cortex 0.42, and Docker's own for whatever else listens on the bridge.</summary>
    private static readonly string[] _insideNames =
    [
        InsideNames.Apis,
        InsideNames.OperatorGateway,
        InsideNames.Operator,
        "host.docker.internal",
    ];

    // What somebody is still writing, here or elsewhere, is younger.
    private static readonly TimeSpan LeastOrphanAge = TimeSpan.FromDays(1);

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
        MemoryLimitFactor = config.Docker.MemoryLimitFactor,
        PidsLimit = config.Docker.PidsLimit,
        AddedCapabilities = config.Docker.Capabilities,
        NewPrivileges = config.Docker.NewPrivileges,
        UseInit = config.Docker.Init,
        ReachContainers = config.Docker.ReachContainers,
        ReachMetadata = config.Docker.ReachMetadata,
        NodeGroups = [.. config.NodeGroups.Select(group =>
            new NodeGroupShare(group.Name, group.Priority, group.Resources?.CpuMillis, group.Resources?.MemoryBytes, group.Resources?.Gpus))],
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
        WakeTimeout = config.Gateway.WakeTimeout,
        WakeBuffer = config.Gateway.WakeBuffer,
        IdleTimeout = config.Gateway.IdleTimeout,
        ShadowMaxBody = config.Gateway.ShadowMaxBody,
        ShadowMemory = config.Gateway.ShadowMemory,
        ShadowTimeout = config.Gateway.ShadowTimeout,
        ClientIdleTimeout = config.Gateway.ClientIdleTimeout,
        StreamIdleTimeout = config.Gateway.StreamIdleTimeout,
        MaxConnections = config.Gateway.MaxConnections,
        MaxConnectionsPerAddress = config.Gateway.MaxConnectionsPerAddress,
        TrustedProxies = new Networks(config.Access.TrustedProxies),
        Foreign = Foreign(config),
    };

    /// <summary>The names by which the cluster is reached: where it listens, this machine's, those inside the cluster, and those that the configuration adds.</summary>
    public static ForeignRequests Foreign(ClusterConfig config) =>
        new([config.Operator.Host, config.Apis.Host, Dns.GetHostName(), .. _insideNames, .. config.Access.AllowedHosts]);

    /// <summary>The configuration of the queue store.</summary>
    public static QueueStoreOptions QueueStore(ClusterConfig config, ClusterIdentity cluster) => new()
    {
        Cluster = cluster,
        InlineLimit = config.Queue.InlineLimit,
        MaxPendingOperations = config.Queue.MaxPending,
        MaxPendingBytes = config.Queue.MaxPendingBytes,
        MaxCommitBytes = config.Queue.MaxCommitBytes,
        PayloadCacheBytes = config.Queue.PayloadCache,
        AttemptsKept = config.Queue.AttemptsKept,
        MaxWaiters = config.Queue.MaxWaiters,
        FairnessInterval = config.Queue.FairnessInterval,
        SweepInterval = config.Queue.SweepInterval,
        OrphanAge = config.Queue.OrphanAge > LeastOrphanAge ? config.Queue.OrphanAge : LeastOrphanAge,
    };

    /// <summary>The configuration of Async APIs' endpoints.</summary>
    public static AsyncOptions Async(ClusterConfig config) => new()
    {
        InlineLimit = config.Queue.InlineLimit,
        MaxWait = config.Async.MaxWait,
        UploadIdleTimeout = config.Async.UploadIdleTimeout,
    };

    /// <summary>How requests of Async APIs are brought to replicas.</summary>
    public static DispatchOptions Dispatch(ClusterConfig config, TimeSpan stopTime) => new() { Connections = Gateway(config), StopTime = stopTime };

    /// <summary>How callbacks of Async APIs are delivered.</summary>
    public static CallbackOptions Callbacks(ClusterConfig config) => new()
    {
        AllowPrivateTargets = config.Callbacks.AllowPrivateTargets,
        AllowedTargets = config.Callbacks.AllowedTargets,
        Attempts = config.Callbacks.Attempts,
        Backoff = config.Callbacks.Backoff,
        BackoffMax = config.Callbacks.BackoffMax,
        Timeout = config.Callbacks.Timeout,
        Concurrency = config.Callbacks.Concurrency,
    };

    /// <summary>The bucket of large payloads and results.</summary>
    public static S3BlobOptions S3(S3Settings s3, ClusterIdentity cluster, long diskReserve) => new()
    {
        Cluster = cluster,
        DiskReserve = diskReserve,
        Bucket = s3.Bucket!,
        Prefix = s3.Prefix,
        Endpoint = s3.Endpoint is null ? null : new Uri(s3.Endpoint),
        Region = s3.Region,
        AccessKey = s3.AccessKey,
        SecretKey = s3.SecretKey,
        PathStyle = s3.PathStyle,
    };
}
