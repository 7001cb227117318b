using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Specs;

namespace Cortex.Core.Clusters;

/// <summary>The cluster configuration file: every key with its bounds, default and meaning.</summary>
internal static class ClusterShapes
{
    /// <summary>What keys mean that are only taken for compatibility.</summary>
    public const string NoEffect = "Accepted for compatibility; no effect on one machine.";

    private const string AllowList = "Refused unless it allows everybody, as [0.0.0.0/0] does: nothing here keeps it.";

    private static readonly string[] s_images =
    [
        "operator", "controller_manager", "manager", "kubexit", "proxy", "activator", "autoscaler", "async_gateway",
        "enqueuer", "dequeuer", "cluster_autoscaler", "metrics_server", "nvidia_device_plugin", "neuron_device_plugin",
        "neuron_scheduler", "fluent_bit", "istio_proxy", "istio_pilot", "prometheus", "prometheus_config_reloader",
        "prometheus_operator", "prometheus_statsd_exporter", "prometheus_dcgm_exporter",
        "prometheus_kube_state_metrics", "prometheus_node_exporter", "kube_rbac_proxy", "grafana", "event_exporter",
    ];

    private static readonly string[] s_managed = ["cortex_policy_arn", "account_id", "cluster_uid", "bucket"];

    private static readonly ListShape s_texts = new(Texts.Any);
    private static readonly ChoiceShape s_scheme = new("internet-facing", "internal");

    private static readonly MapShape s_subnet = new(
        Unused("availability_zone", Texts.Any) with { Required = true },
        Unused("subnet_id", Texts.Any) with { Required = true });

    private static readonly MapShape s_spot = new(
        Unused("instance_distribution", s_texts),
        Unused("on_demand_base_capacity", new IntShape { Min = 0 }),
        Unused("on_demand_percentage_above_base_capacity", new IntShape { Min = 0, Max = 100 }),
        Unused("max_price", new FloatShape { Above = 0 }),
        Unused("instance_pools", new IntShape { Min = 1, Max = 20 }));

    /// <summary>The fields of a node group without effect.</summary>
    public static readonly IReadOnlyList<Field> UnusedOfNodeGroup =
    [
        Unused("instance_volume_size", new IntShape { Min = 20, Max = 16384 }, "50"),
        Unused("instance_volume_type", new ChoiceShape("gp2", "gp3", "io1", "sc1", "st1"), "gp3"),
        Unused("instance_volume_iops", new IntShape { Min = 100, Max = 64000 }),
        Unused("instance_volume_throughput", new IntShape { Min = 125, Max = 1000 }),
        Unused("spot", new BoolShape(), "false"),
        Unused("spot_config", s_spot),
    ];

    private static readonly MapShape s_resources = new(
        new Field("cpu", new QuantityShape("20m") { TakesNumbers = true, Example = "4 or 500m" }, "Processors, counted as they are asked for; null for all there are.") { Null = NullRule.Allowed },
        new Field("mem", new QuantityShape("20Mi") { Example = "8Gi" }, "Memory; null for all there is.") { Null = NullRule.Allowed },
        new Field("gpu", new IntShape { Min = 0 }, "Whole GPUs; null for all there are.") { Null = NullRule.Allowed });

    private static readonly MapShape s_nodeGroup = new(
    [
        new Field("name", ClusterTexts.NodeGroupName, "Name, unique in the cluster; APIs select groups by it.") { Required = true },
        new Field("instance_type", Texts.Any, "Type of its machines; only shown.") { Required = true },
        new Field("resources", s_resources, "Share of this machine that its replicas and workers may ask for together; without it the whole machine.") { Null = NullRule.Allowed },
        new Field("min_instances", new IntShape { Min = 0 }, "Fewest machines; here only shown.") { Default = "1" },
        new Field("max_instances", new IntShape { Min = 0 }, "Most machines; here only shown.") { Default = "5" },
        new Field("priority", new IntShape { Min = 1, Max = 100 }, "Of several groups with room the one with the highest is taken.") { Default = "1" },
        .. UnusedOfNodeGroup,
    ])
    {
        Rules = [ClusterRules.InstanceBounds],
    };

    /// <summary>The top-level fields without effect.</summary>
    public static readonly IReadOnlyList<Field> UnusedOfCluster =
    [
        Unused("availability_zones", s_texts),
        Unused("subnet_visibility", new ChoiceShape("public", "private"), "public"),
        Unused("nat_gateway", new ChoiceShape("none", "single", "highly_available"), "none"),
        Unused("api_load_balancer_type", new ChoiceShape("nlb", "elb"), "nlb"),
        Unused("api_load_balancer_scheme", s_scheme, "internet-facing"),
        Unused("operator_load_balancer_scheme", s_scheme, "internet-facing"),
        Unused("subnets", new ListShape(s_subnet)),
        Unused("api_load_balancer_cidr_white_list", s_texts) with { Doc = AllowList },
        Unused("operator_load_balancer_cidr_white_list", s_texts) with { Doc = AllowList },
        Unused("tags", new TextMapShape(ClusterTexts.TagValue), "{}"),
        Unused("ssl_certificate_arn", Texts.Any),
        Unused("iam_policy_arns", s_texts),
        Unused("vpc_cidr", Texts.Any),
        Unused("prometheus_instance_type", Texts.Any, "t3.medium"),
        Unused("telemetry", new BoolShape(), "false") with { Doc = "Accepted for compatibility; nothing is ever sent." },
        .. s_images.Select(image => Unused($"image_{image}", Texts.Image)),
    ];

    /// <summary>The whole file.</summary>
    public static readonly MapShape Cluster = new(
    [
        new Field("cluster_name", ClusterTexts.ClusterName, "Name of the cluster; marks everything that it starts.") { Default = "cortex" },
        new Field("region", Texts.Any, "Name of a place; here only shown.") { Default = "local" },
        new Field("node_groups", new ListShape(s_nodeGroup) { MaxCount = 100 }, "Groups that APIs can select; each is this machine, or the share of it that its resources say.") { Default = "[]", Null = NullRule.Absent },
        new Field("operator", Listener(8888), "Where the operator listens.") { Default = "{}" },
        new Field("apis", Listener(8889), "Where the APIs are reached.") { Default = "{}" },
        new Field("access", Access(), "Who is believed what.") { Default = "{}" },
        new Field("jobs", Jobs(), "Bounds of jobs.") { Default = "{}" },
        new Field("docker", Docker(), "How replicas run on Docker.") { Default = "{}" },
        new Field("limits", Limits(), "Bounds of the operator.") { Default = "{}" },
        new Field("gateway", Gateway(), "Bounds of the gateway.") { Default = "{}" },
        new Field("storage", Storage(), "Where queues, payloads and results of Async APIs are kept.") { Default = "{}" },
        new Field("queue", Queue(), "Bounds of the queue store.") { Default = "{}" },
        new Field("async", Async(), "Bounds of Async APIs' endpoints.") { Default = "{}" },
        new Field("callbacks", Callbacks(), "How callbacks of Async APIs are delivered.") { Default = "{}" },
        .. UnusedOfCluster,
        .. s_managed.Select(key => new Field(key, new UnusedShape(ErrorKinds.DisallowedField, "is set by the cluster itself; remove it"), "Set by the cluster itself.") { Null = NullRule.Allowed }),
    ])
    {
        Rules = [ClusterRules.UniqueNodeGroups, ClusterRules.TwoPorts, ClusterRules.AllowLists],
    };

    private static Field Unused(string key, Shape shape, string? byDefault = null) => new(key, shape, NoEffect) { Null = NullRule.Allowed, Default = byDefault };

    private static MapShape Listener(int port) => new(
        new Field("host", ClusterTexts.ListenHost, "IP address or host name to listen on; 0.0.0.0 for every network of this machine.") { Default = "127.0.0.1" },
        new Field("port", new IntShape { Min = 1, Max = 65535 }, "Port to listen on.") { Default = $"{port}" });

    private static MapShape Access() => new(
        new Field("trusted_proxies", new ListShape(new NetworkShape()) { MaxCount = 1000 }, "Addresses and networks of proxies in front of the cluster: their X-Forwarded headers are believed, and they may open any number of connections.") { Default = "[]" },
        new Field("allowed_hosts", new ListShape(ClusterTexts.AllowedHost) { MaxCount = 1000 }, "Further host names by which the cluster is reached, such as api.example.com or *.example.com; * for every name. Requests with others start and stop nothing.") { Default = "[]" },
        new Field("open_metrics", new BoolShape(), "Whether /metrics is shown to other machines without the token.") { Default = "false" });

    private static MapShape Docker() => new(
        new Field("host", ClusterTexts.DockerHost, "Address of Docker Engine.") { Default = "unix:///var/run/docker.sock" },
        new Field("address", new ChoiceShape("auto", "bridge", "loopback"), "How the server reaches replicas: by their address on the bridge network, by ports published on loopback, or whichever works.") { Default = "auto" },
        new Field("cpu_overcommit", new FloatShape { Min = 1, Max = 100 }, "Processors that may be requested per processor there is; processors are shared by weight.") { Default = "4.0" },
        new Field("memory_reserve", new QuantityShape("0"), "Memory that is kept for the system.") { Default = "512Mi" },
        new Field("memory_limit_factor", new FloatShape { Min = 1, Max = 1000 }, "A container with mem and without mem_limit may use so many times its mem; null for what the machine can spare.") { Null = NullRule.Allowed },
        new Field("pids_limit", new IntShape { Min = 0, Max = 4_194_304 }, "Processes and threads of one container; 0 for no limit.") { Default = "2048" },
        new Field("capabilities", new ListShape(new ChoiceShape(LinuxCapabilities.Names)), "Parts of root's rights that containers keep besides the default ones, such as NET_RAW or SYS_PTRACE.") { Default = "[]" },
        new Field("new_privileges", new BoolShape(), "Whether a program in a container may gain rights by starting another one, such as sudo.") { Default = "false" },
        new Field("init", new BoolShape(), "Whether Docker's init is the first process of containers whose image brings none.") { Default = "true" },
        new Field("reach_containers", new BoolShape(), "Whether containers of different replicas reach each other's addresses.") { Default = "false" },
        new Field("reach_metadata", new BoolShape(), "Whether containers reach the addresses at which clouds give a machine's credentials.") { Default = "false" },
        new Field("parallel_starts", new IntShape { Min = 1, Max = 1000 }, "Containers that Docker is asked to start, end or remove at a time, at most; fewer while it is slow.") { Default = "16" },
        new Field("spare_networks", new IntShape { Min = 0, Max = 100 }, "Network containers that are kept running for replicas to come, which start in half the time; 0 for none.") { Default = "2" },
        new Field("pull_timeout", Time("1s", "24h"), "Longest pull of an image.") { Default = "30m" });

    private static MapShape Limits() => new(
        new Field("stalled_after", Time("1s", "24h"), "A replica that is pending for longer counts as stalled.") { Default = "15m" },
        new Field("termination_grace", Time("0s", "1h"), "Time a replica gets to finish its requests and stop.") { Default = "60s" },
        new Field("api_versions", new IntShape { Min = 1, Max = 1000 }, "Versions of one API that are kept.") { Default = "10" },
        new Field("max_apis", new IntShape { Min = 1, Max = 100_000 }, "APIs that may be deployed.") { Default = "1000" },
        new Field("max_replicas", new IntShape { Min = 1, Max = 100_000 }, "Replicas that one API may ask for.") { Default = "1000" },
        new Field("log_streams", new IntShape { Min = 1, Max = 10_000 }, "Clients that may read logs at a time.") { Default = "100" },
        new Field("log_stall", Time("1s", "1h"), "A client that takes no log lines for so long is cut off.") { Default = "1m" },
        new Field("server_log_size", new QuantityShape("64Ki") { Max = "1Ti" }, "Size of the server's log file before it is rotated.") { Default = "50Mi" },
        new Field("max_connections", new IntShape { Min = 10, Max = 100_000 }, "Connections of the operator's clients at a time.") { Default = "2000" },
        new Field("max_connections_per_address", new IntShape { Min = 1, Max = 100_000 }, "Connections of one address to the operator at a time.") { Default = "500" });

    private static MapShape Gateway() => new(
        new Field("max_request_body", new QuantityShape("1") { Max = "1Pi" }, "Size of one request's body.") { Default = "10Gi" },
        new Field("max_header_size", new QuantityShape("8Ki") { Max = "1Mi" }, "Size of one request's headers together.") { Default = "64Ki" },
        new Field("max_headers", new IntShape { Min = 10, Max = 10_000 }, "Headers of one request.") { Default = "100" },
        new Field("header_timeout", Time("100ms", "1h"), "Time a client has to send its headers.") { Default = "15s" },
        new Field("keep_alive_timeout", Time("1s", "24h"), "Time a client's connection may be idle between requests.") { Default = "130s" },
        new Field("connect_timeout", Time("10ms", "1h"), "Time a connection to a replica may take.") { Default = "5s" },
        new Field("queue_timeout", Time("100ms", "24h"), "Time a request may wait for a replica.") { Default = "5m" },
        new Field("wake_timeout", Time("100ms", "24h"), "Time a request may wait for the first replica of an API without any.") { Default = "20m" },
        new Field("wake_buffer", new QuantityShape("1Mi") { Max = "1Ti", Example = "128Mi" }, "Size of the bodies of requests together that wait for the first replica of their API; each takes at most 1Mi.") { Default = "128Mi" },
        new Field("idle_timeout", Time("0s", "24h"), "Time a delivered request may go without data either way; 0s for no limit.") { Default = "0s" },
        new Field("client_idle_timeout", Time("1s", "24h"), "Time a client may pause while a replica serves it: sending its request's body, or taking the answer.") { Default = "1m" },
        new Field("stream_idle_timeout", Time("1s", "168h"), "Time a stream (WebSocket, gRPC, a body that goes on after its answer has begun) may go without data either way.") { Default = "1h" },
        new Field("shadow_max_body", new QuantityShape("0") { Max = "1Gi" }, "Largest body of a request that is copied to a shadow.") { Default = "1Mi" },
        new Field("shadow_memory", new QuantityShape("64Ki") { Max = "64Gi" }, "Memory for all copies to shadows at a time; what is more is not copied.") { Default = "64Mi" },
        new Field("shadow_timeout", Time("100ms", "24h"), "Time that a copy to a shadow has, waiting and answer included.") { Default = "1m" },
        new Field("max_connections", new IntShape { Min = 1, Max = 1_000_000 }, "Connections of clients at a time.") { Default = "10000" },
        new Field("max_connections_per_address", new IntShape { Min = 1, Max = 1_000_000 }, "Connections of one address at a time; of IPv6, of one /64.") { Default = "2500" });

    private static MapShape Jobs() => new(
        new Field("history", new IntShape { Min = 1, Max = 10_000 }, "Ended jobs of each API that are kept, with their logs.") { Default = "100" },
        new Field("history_age", Time("1m", "87600h"), "Time that ended jobs are kept.") { Default = "720h" },
        new Field("log_size", new QuantityShape("1Ki") { Max = "1Gi", Example = "10Mi" }, "Output kept of each attempt, the last of it.") { Default = "10Mi" },
        new Field("max_concurrent", new IntShape { Min = 1, Max = 10_000 }, "Jobs of all APIs that run at a time; further ones wait as pending.") { Default = "1000" },
        new Field("max_unfinished", new IntShape { Min = 1, Max = 1_000_000 }, "Jobs that have not ended; further submissions are refused.") { Default = "10000" },
        new Field("parallel_starts", new IntShape { Min = 1, Max = 1000 }, "Jobs that may be starting, and jobs of each API that may be waiting for room on the machine, at a time.") { Default = "8" },
        new Field("image_timeout", Time("1s", "24h"), "A job whose images can't be had for this long ends.") { Default = "5m" },
        new Field("termination_grace", Time("0s", "1h"), "Time a worker gets from SIGTERM to SIGKILL.") { Default = "30s" },
        new Field("helper_grace", Time("0s", "8760h"), "Time that the other containers of a task job get once one has ended with 0 and none has failed; then they are ended, and the job has succeeded.") { Default = "10s" },
        new Field("max_submission_size", new QuantityShape("1Ki") { Max = "1Gi", Example = "10Mi" }, "Size of one submission.") { Default = "10Mi" },
        new Field("max_streamed_size", new QuantityShape("1Ki") { Max = "1Pi", Example = "10Gi" }, "Size of a batch job's items when they are streamed as newline-delimited JSON.") { Default = "10Gi" },
        new Field("upload_idle_timeout", Time("1s", "24h"), "Longest time in which no byte of a submission arrives.") { Default = "1m" },
        new Field("max_items", new IntShape { Min = 1, Max = 10_000_000_000, IsLong = true }, "Items of one batch job, whatever they come from.") { Default = "10000000" },
        new Field("max_source_size", new QuantityShape("1Ki") { Max = "1Pi", Example = "100Gi" }, "Bytes that one batch job may read from files, unpacked.") { Default = "100Gi" },
        new Field("max_item_size", new QuantityShape("1") { Max = "256Mi", Example = "250Ki" }, "Size of one item of a batch job.") { Default = "250Ki" },
        new Field("max_batch_size", new QuantityShape("1") { Max = "256Mi", Example = "250Ki" }, "Size of one batch: its items as a JSON array.") { Default = "250Ki" },
        new Field("max_workers", new IntShape { Min = 1, Max = 100_000 }, "Workers of one batch job.") { Default = "10000" },
        new Field("max_worker_deaths", new IntShape { Min = 0, Max = 10_000 }, "Workers of a batch job that may die one after the other without a batch being finished; one more ends the job.") { Default = "5" },
        new Field("room_timeout", Time("1s", "168h"), "A batch job without a running worker ends when there is no room for one for this long.") { Default = "24h" },
        new Field("sources", Sources(), "Where batch jobs may read files.") { Default = "{}" });

    private static MapShape Sources() => new(
        new Field("s3", SourceS3(), "How s3:// is reached; without any of its keys it is not.") { Default = "{}" },
        new Field("file_folders", new ListShape(ClusterTexts.Folder) { MaxCount = 1000 }, "Folders of this machine that file:// may read below.") { Default = "[]" },
        new Field("http_hosts", new ListShape(ClusterTexts.SourceHost) { MaxCount = 1000 }, "Hosts that http:// and https:// may read from, with :PORT for one port alone; * for every host and port, this machine's own network included.") { Default = "[]" });

    private static MapShape SourceS3() => new(
        new Field("endpoint", ClusterTexts.HttpAddress, "URL of the service; by default AWS.") { Null = NullRule.Allowed },
        new Field("region", Texts.Any, "Region; by default us-east-1, or with `environment` what the environment says.") { Null = NullRule.Allowed },
        new Field("access_key", Texts.Any, "Id of the access key.") { Null = NullRule.Allowed },
        new Field("secret_key", Texts.Any, "Secret of the access key.") { Null = NullRule.Allowed },
        new Field("environment", new BoolShape(), "Whether jobs read with what AWS's own environment variables, files and this machine's role give the server; else without any key, unless there is one here.") { Default = "false" },
        new Field("buckets", new ListShape(ClusterTexts.BucketPrefix) { MaxCount = 1000 }, "Buckets that may be read, each alone or with a slash and what the names of its objects begin with; none for all that the service lets the key read.") { Default = "[]" },
        new Field("path_style", new BoolShape(), "Whether the bucket is named in the path, as most services but AWS want it.") { Default = "false" })
    {
        Rules = [ClusterRules.WholeAccessKey, ClusterRules.OneIdentity],
    };

    private static MapShape Storage() => new(
        new Field("queues", new ChoiceShape("sqlite", "postgres"), "Where queues and results are kept: in a file of the data directory, or in a PostgreSQL database.") { Default = "sqlite" },
        new Field("postgres", new MapShape(
            new Field("connection_string", Texts.Any, "Npgsql's connection string, a secret; by default the server's environment variable CORTEX_POSTGRES.") { Null = NullRule.Allowed }), "The PostgreSQL database.") { Default = "{}" },
        new Field("blobs", new ChoiceShape("folder", "s3"), "Where large payloads and results are kept: in the data directory, or in a bucket.") { Default = "folder" },
        new Field("s3", S3(), "The bucket.") { Default = "{}" },
        new Field("adopt", Texts.Any, "Id of another cluster, gone for good, whose database, bucket or folder this one takes over; the server names it when it refuses them.") { Null = NullRule.Allowed })
    {
        Rules = [ClusterRules.BucketForS3],
    };

    private static MapShape S3() => new(
    [
        .. S3Access(),
        new Field("bucket", ClusterTexts.Bucket, "Name of a bucket that exists.") { Null = NullRule.Allowed },
        new Field("prefix", ClusterTexts.ObjectPrefix, "What every object's name starts with, such as cortex/.") { Default = "''" },
    ])
    {
        Rules = [ClusterRules.WholeAccessKey],
    };

    private static Field[] S3Access() =>
    [
        new Field("endpoint", ClusterTexts.HttpAddress, "URL of the service; by default AWS.") { Null = NullRule.Allowed },
        new Field("region", Texts.Any, "Region; by default the environment variable AWS_REGION, else us-east-1.") { Null = NullRule.Allowed },
        new Field("access_key", Texts.Any, "Id of the access key; by default AWS's own environment variables, files and roles.") { Null = NullRule.Allowed },
        new Field("secret_key", Texts.Any, "Secret of the access key.") { Null = NullRule.Allowed },
        new Field("path_style", new BoolShape(), "Whether the bucket is named in the path, as most services but AWS want it.") { Default = "false" },
    ];

    private static MapShape Queue() => new(
        new Field("inline_limit", new QuantityShape("1Ki") { Max = "1Mi", Example = "64Ki" }, "Payloads and results up to this size are kept with their request, larger ones in the blob store.") { Default = "64Ki" },
        new Field("max_pending", new IntShape { Min = 1, Max = 1_000_000 }, "Operations that may wait to be written.") { Default = "16384" },
        new Field("max_pending_bytes", new QuantityShape("1Mi") { Max = "1Gi" }, "Bytes that may wait to be written.") { Default = "64Mi" },
        new Field("max_commit_bytes", new QuantityShape("1Mi") { Max = "64Mi", Example = "8Mi" }, "Bytes of one commit.") { Default = "8Mi" },
        new Field("payload_cache", new QuantityShape("0") { Max = "1Gi" }, "Memory for payloads that were just written and will be worked on soon.") { Default = "32Mi" },
        new Field("attempts_kept", new IntShape { Min = 1, Max = 100 }, "Attempts kept with a request, the latest ones.") { Default = "10" },
        new Field("max_waiters", new IntShape { Min = 0, Max = 1_000_000 }, "Callers that may wait for a result at a time; further ones are answered at once.") { Default = "10000" },
        new Field("fairness_interval", new IntShape { Min = 2, Max = 1000 }, "Of this many requests one is the oldest whatever its priority.") { Default = "10" },
        new Field("sweep_interval", Time("100ms", "24h"), "Time between two looks for expired results.") { Default = "1m" },
        new Field("disk_reserve", new QuantityShape("0") { Max = "1Ti", Example = "64Mi" }, "Room on the disk that large payloads leave free, and half of it large results.") { Default = "64Mi" },
        new Field("orphan_age", Time("1m", "720h"), "Blobs that belong to no request are removed when they are older; less than 24h counts as 24h.") { Default = "24h" });

    private static MapShape Async() => new(
        new Field("max_wait", Time("1s", "24h"), "Longest wait for a result; longer ones are cut.") { Default = "5m" },
        new Field("upload_idle_timeout", Time("1s", "24h"), "Longest time in which less than 16 KiB of a payload arrive.") { Default = "1m" });

    private static MapShape Callbacks() => new(
        new Field("allow_private_targets", new BoolShape(), "Whether loopback, link-local and private addresses may be called.") { Default = "false" },
        new Field("allowed_targets", new ListShape(ClusterTexts.CallbackTarget) { MaxCount = 1000 }, "Host names, addresses and networks such as 10.1.0.0/16 that may be called although they are private, with :PORT for one port alone.") { Default = "[]" },
        new Field("attempts", new IntShape { Min = 1, Max = 100 }, "Attempts before a delivery is given up.") { Default = "12" },
        new Field("backoff", Time("10ms", "24h"), "Pause before the second attempt; doubles with each further one.") { Default = "5s" },
        new Field("backoff_max", Time("10ms", "24h"), "Longest pause between attempts.") { Default = "10m" },
        new Field("timeout", Time("100ms", "1h"), "Longest time of one attempt.") { Default = "30s" },
        new Field("concurrency", new IntShape { Min = 1, Max = 1000 }, "Deliveries at a time.") { Default = "16" })
    {
        Rules = [ClusterRules.CallbackBackoff],
    };

    private static DurationShape Time(string min, string max) => new() { Min = Units.GoDuration.Parse(min), Max = Units.GoDuration.Parse(max) };
}
