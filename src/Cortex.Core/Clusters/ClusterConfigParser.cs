using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Yaml;

namespace Cortex.Core.Clusters;

/// <summary>Reads configuration files of clusters. The limits of <see cref="ApiFileParser"/> apply.</summary>
public static class ClusterConfigParser
{
    /// <summary>Reads a file. An empty one gives the defaults.</summary>
    /// <param name="fileName">What errors call the file.</param>
    /// <param name="yaml">Its text.</param>
    public static ClusterFile Parse(string fileName, string yaml)
    {
        var (root, fault) = YamlReader.Read(yaml);
        if (fault is not null)
        {
            return new(null, [new SpecError { Kind = ErrorKinds.InvalidYaml, FileName = fileName, Line = fault.Place.Line, Column = fault.Place.Column, Detail = $"invalid yaml: {fault.Message}" }]);
        }

        var walk = new Walk(fileName, "", "");
        var node = root is YamlScalar { IsNull: true } empty ? new YamlMap(empty.Place, [], []) : root!;
        var value = ClusterShapes.Cluster.Read(node, walk.Visit(new Spot("", node.Place)), walk);
        return walk.Errors.Count > 0
            ? new(null, SpecErrors.InFileOrder(walk.Errors))
            : new(Bind((MapValue)value!), []);
    }

    private static ClusterConfig Bind(MapValue cluster)
    {
        var groups = cluster.Get<ListValue>("node_groups").Of<MapValue>();
        return new ClusterConfig
        {
            ClusterName = cluster.Get<string>("cluster_name"),
            Region = cluster.Get<string>("region"),
            NodeGroups = [.. groups.Select(NodeGroup)],
            Operator = Listener(cluster.Get<MapValue>("operator")),
            Apis = Listener(cluster.Get<MapValue>("apis")),
            Access = Access(cluster.Get<MapValue>("access")),
            Docker = Docker(cluster.Get<MapValue>("docker")),
            Limits = Limits(cluster.Get<MapValue>("limits")),
            Gateway = Gateway(cluster.Get<MapValue>("gateway")),
            Jobs = Jobs(cluster.Get<MapValue>("jobs")),
            Storage = Storage(cluster.Get<MapValue>("storage")),
            Queue = Queue(cluster.Get<MapValue>("queue")),
            Async = Async(cluster.Get<MapValue>("async")),
            Callbacks = Callbacks(cluster.Get<MapValue>("callbacks")),
            Unused = Unused(cluster, ClusterShapes.UnusedOfCluster),
            IgnoredFields =
            [
                .. Ignored(cluster, ClusterShapes.UnusedOfCluster)
                    .Concat(groups.SelectMany(group => Ignored(group, ClusterShapes.UnusedOfNodeGroup)))
                    .OrderBy(spot => spot.Place.Line).ThenBy(spot => spot.Place.Column)
                    .Select(spot => spot.Path),
            ],
        };
    }

    private static IEnumerable<Spot> Ignored(MapValue map, IReadOnlyList<Field> fields) =>
        fields.Where(field => map.IsWritten(field.Key)).Select(field => map.SpotOf(field.Key));

    private static Dictionary<string, JsonElement> Unused(MapValue map, IReadOnlyList<Field> fields) =>
        fields.ToDictionary(field => field.Key, field => ValueJson.ToJson(map.Find<object>(field.Key)), StringComparer.Ordinal);

    private static NodeGroup NodeGroup(MapValue group) => new()
    {
        Name = group.Get<string>("name"),
        InstanceType = group.Get<string>("instance_type"),
        Resources = group.Find<MapValue>("resources") is { } share
            ? new NodeGroupResources(
                share.Find<string>("cpu") is { } cpu ? Quantity.Parse(cpu).MilliValue : null,
                share.Find<string>("mem") is { } mem ? Quantity.Parse(mem).Value : null,
                share.TryGet("gpu", out long gpu) ? gpu : null)
            : null,
        MinInstances = group.Int32("min_instances"),
        MaxInstances = group.Int32("max_instances"),
        Priority = group.Int32("priority"),
        Unused = Unused(group, ClusterShapes.UnusedOfNodeGroup),
    };

    private static ListenAddress Listener(MapValue listener) => new(listener.Get<string>("host"), listener.Int32("port"));

    private static AccessSettings Access(MapValue access) => new()
    {
        TrustedProxies = access.Get<ListValue>("trusted_proxies").Of<string>(),
        AllowedHosts = access.Get<ListValue>("allowed_hosts").Of<string>(),
        OpenMetrics = access.Get<bool>("open_metrics"),
    };

    private static DockerSettings Docker(MapValue docker) => new()
    {
        Host = docker.Get<string>("host"),
        Address = Enum.Parse<ReplicaAddressing>(docker.Get<string>("address"), ignoreCase: true),
        CpuOvercommit = docker.Get<double>("cpu_overcommit"),
        MemoryReserve = Bytes(docker, "memory_reserve"),
        MemoryLimitFactor = docker.TryGet("memory_limit_factor", out double factor) ? factor : null,
        PidsLimit = docker.Int32("pids_limit"),
        Capabilities = docker.Get<ListValue>("capabilities").Of<string>(),
        NewPrivileges = docker.Get<bool>("new_privileges"),
        Init = docker.Get<bool>("init"),
        ReachContainers = docker.Get<bool>("reach_containers"),
        ReachMetadata = docker.Get<bool>("reach_metadata"),
        ParallelStarts = docker.Int32("parallel_starts"),
        SpareNetworks = docker.Int32("spare_networks"),
        PullTimeout = docker.Get<TimeSpan>("pull_timeout"),
    };

    private static LimitSettings Limits(MapValue limits) => new()
    {
        StalledAfter = limits.Get<TimeSpan>("stalled_after"),
        TerminationGrace = limits.Get<TimeSpan>("termination_grace"),
        ApiVersions = limits.Int32("api_versions"),
        MaxApis = limits.Int32("max_apis"),
        MaxReplicas = limits.Int32("max_replicas"),
        LogStreams = limits.Int32("log_streams"),
        LogStall = limits.Get<TimeSpan>("log_stall"),
        ServerLogSize = Bytes(limits, "server_log_size"),
        MaxConnections = limits.Int32("max_connections"),
        MaxConnectionsPerAddress = limits.Int32("max_connections_per_address"),
    };

    private static GatewaySettings Gateway(MapValue gateway) => new()
    {
        MaxRequestBody = Bytes(gateway, "max_request_body"),
        MaxHeaderSize = Bytes(gateway, "max_header_size"),
        MaxHeaders = gateway.Int32("max_headers"),
        HeaderTimeout = gateway.Get<TimeSpan>("header_timeout"),
        KeepAliveTimeout = gateway.Get<TimeSpan>("keep_alive_timeout"),
        ConnectTimeout = gateway.Get<TimeSpan>("connect_timeout"),
        QueueTimeout = gateway.Get<TimeSpan>("queue_timeout"),
        WakeTimeout = gateway.Get<TimeSpan>("wake_timeout"),
        WakeBuffer = Bytes(gateway, "wake_buffer"),
        IdleTimeout = gateway.Get<TimeSpan>("idle_timeout"),
        ClientIdleTimeout = gateway.Get<TimeSpan>("client_idle_timeout"),
        StreamIdleTimeout = gateway.Get<TimeSpan>("stream_idle_timeout"),
        ShadowMaxBody = Bytes(gateway, "shadow_max_body"),
        ShadowMemory = Bytes(gateway, "shadow_memory"),
        ShadowTimeout = gateway.Get<TimeSpan>("shadow_timeout"),
        MaxConnections = gateway.Int32("max_connections"),
        MaxConnectionsPerAddress = gateway.Int32("max_connections_per_address"),
    };

    private static JobSettings Jobs(MapValue jobs) => new()
    {
        History = jobs.Int32("history"),
        HistoryAge = jobs.Get<TimeSpan>("history_age"),
        LogSize = Bytes(jobs, "log_size"),
        MaxConcurrent = jobs.Int32("max_concurrent"),
        MaxUnfinished = jobs.Int32("max_unfinished"),
        ParallelStarts = jobs.Int32("parallel_starts"),
        ImageTimeout = jobs.Get<TimeSpan>("image_timeout"),
        TerminationGrace = jobs.Get<TimeSpan>("termination_grace"),
        HelperGrace = jobs.Get<TimeSpan>("helper_grace"),
        MaxSubmissionSize = Bytes(jobs, "max_submission_size"),
        MaxStreamedSize = Bytes(jobs, "max_streamed_size"),
        UploadIdleTimeout = jobs.Get<TimeSpan>("upload_idle_timeout"),
        MaxItems = jobs.Get<long>("max_items"),
        MaxSourceSize = Bytes(jobs, "max_source_size"),
        MaxItemSize = Bytes(jobs, "max_item_size"),
        MaxBatchSize = Bytes(jobs, "max_batch_size"),
        MaxWorkers = jobs.Int32("max_workers"),
        MaxWorkerDeaths = jobs.Int32("max_worker_deaths"),
        RoomTimeout = jobs.Get<TimeSpan>("room_timeout"),
        Sources = Sources(jobs.Get<MapValue>("sources")),
    };

    private static JobSourceSettings Sources(MapValue sources)
    {
        var s3 = sources.Get<MapValue>("s3");
        return new JobSourceSettings
        {
            S3 = new JobS3Settings
            {
                Endpoint = s3.Find<string>("endpoint"),
                Region = s3.Find<string>("region"),
                AccessKey = s3.Find<string>("access_key"),
                SecretKey = s3.Find<string>("secret_key"),
                Environment = s3.Get<bool>("environment"),
                Buckets = s3.Get<ListValue>("buckets").Of<string>(),
                PathStyle = s3.Get<bool>("path_style"),
            },
            FileFolders = sources.Get<ListValue>("file_folders").Of<string>(),
            HttpHosts = sources.Get<ListValue>("http_hosts").Of<string>(),
        };
    }

    private static StorageSettings Storage(MapValue storage)
    {
        var s3 = storage.Get<MapValue>("s3");
        return new StorageSettings
        {
            Queues = Enum.Parse<QueueStorage>(storage.Get<string>("queues"), ignoreCase: true),
            PostgresConnectionString = storage.Get<MapValue>("postgres").Find<string>("connection_string"),
            Adopt = storage.Find<string>("adopt"),
            Blobs = Enum.Parse<BlobStorage>(storage.Get<string>("blobs"), ignoreCase: true),
            S3 = new S3Settings
            {
                Endpoint = s3.Find<string>("endpoint"),
                Region = s3.Find<string>("region"),
                Bucket = s3.Find<string>("bucket"),
                Prefix = s3.Get<string>("prefix"),
                AccessKey = s3.Find<string>("access_key"),
                SecretKey = s3.Find<string>("secret_key"),
                PathStyle = s3.Get<bool>("path_style"),
            },
        };
    }

    private static QueueStoreSettings Queue(MapValue queue) => new()
    {
        InlineLimit = (int)Bytes(queue, "inline_limit"),
        MaxPending = queue.Int32("max_pending"),
        MaxPendingBytes = Bytes(queue, "max_pending_bytes"),
        MaxCommitBytes = (int)Bytes(queue, "max_commit_bytes"),
        PayloadCache = Bytes(queue, "payload_cache"),
        AttemptsKept = queue.Int32("attempts_kept"),
        MaxWaiters = queue.Int32("max_waiters"),
        FairnessInterval = queue.Int32("fairness_interval"),
        SweepInterval = queue.Get<TimeSpan>("sweep_interval"),
        DiskReserve = Bytes(queue, "disk_reserve"),
        OrphanAge = queue.Get<TimeSpan>("orphan_age"),
    };

    private static AsyncSettings Async(MapValue settings) => new()
    {
        MaxWait = settings.Get<TimeSpan>("max_wait"),
        UploadIdleTimeout = settings.Get<TimeSpan>("upload_idle_timeout"),
    };

    private static CallbackSettings Callbacks(MapValue callbacks) => new()
    {
        AllowPrivateTargets = callbacks.Get<bool>("allow_private_targets"),
        AllowedTargets = callbacks.Get<ListValue>("allowed_targets").Of<string>(),
        Attempts = callbacks.Int32("attempts"),
        Backoff = callbacks.Get<TimeSpan>("backoff"),
        BackoffMax = callbacks.Get<TimeSpan>("backoff_max"),
        Timeout = callbacks.Get<TimeSpan>("timeout"),
        Concurrency = callbacks.Int32("concurrency"),
    };

    private static long Bytes(MapValue map, string key) => Quantity.Parse(map.Get<string>(key)).Value;
}
