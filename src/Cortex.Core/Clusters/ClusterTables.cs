using Cortex.Core.Shapes;
using Cortex.Core.Specs;

namespace Cortex.Core.Clusters;

/// <summary>Every setting of ours, in one table: a setting is a property of its part and a row here.</summary>
internal static class ClusterTables
{
    private static readonly SettingTable<JobS3Settings> s_sourceS3 = new SettingTable<JobS3Settings>(new())
        .OptionalText("endpoint", ClusterTexts.HttpAddress, "URL of the service; by default AWS.", s => s.Endpoint, (s, v) => s with { Endpoint = v })
        .OptionalText("region", Texts.Any, "Region; by default us-east-1, or with `environment` what the environment says.",
            s => s.Region, (s, v) => s with { Region = v })
        .Secret("access_key", "Id of the access key.", s => s.AccessKey, (s, v) => s with { AccessKey = v })
        .Secret("secret_key", "Secret of the access key.", s => s.SecretKey, (s, v) => s with { SecretKey = v })
        .Flag("environment",
            "Whether jobs read with what AWS's own environment variables, files and this machine's role give the server; else without any key, unless there is one here.",
            s => s.Environment, (s, v) => s with { Environment = v })
        .TextList("buckets", new ListShape(ClusterTexts.BucketPrefix) { MaxCount = 1000 },
            "Buckets that may be read, each alone or with a slash and what the names of its objects begin with; none for all that the service lets the key read.",
            s => s.Buckets, (s, v) => s with { Buckets = v })
        .Flag("path_style", "Whether the bucket is named in the path, as most services but AWS want it.",
            s => s.PathStyle, (s, v) => s with { PathStyle = v });

    private static readonly SettingTable<JobSourceSettings> s_sources = new SettingTable<JobSourceSettings>(new())
        .Part("s3", s_sourceS3, "How s3:// is reached; without any of its keys it is not.",
            s => s.S3, (s, v) => s with { S3 = v }, ClusterRules.WholeAccessKey, ClusterRules.OneIdentity)
        .TextList("file_folders", new ListShape(ClusterTexts.Folder) { MaxCount = 1000 }, "Folders of this machine that file:// may read below.",
            s => s.FileFolders, (s, v) => s with { FileFolders = v })
        .TextList("http_hosts", new ListShape(ClusterTexts.SourceHost) { MaxCount = 1000 },
            "Hosts that http:// and https:// may read from, with :PORT for one port alone; * for every host and port, this machine's own network included.",
            s => s.HttpHosts, (s, v) => s with { HttpHosts = v });

    private static readonly SettingTable<S3Settings> s_s3 = new SettingTable<S3Settings>(new())
        .OptionalText("endpoint", ClusterTexts.HttpAddress, "URL of the service; by default AWS.", s => s.Endpoint, (s, v) => s with { Endpoint = v })
        .OptionalText("region", Texts.Any, "Region; by default the environment variable AWS_REGION, else us-east-1.",
            s => s.Region, (s, v) => s with { Region = v })
        .Secret("access_key", "Id of the access key; by default AWS's own environment variables, files and roles.",
            s => s.AccessKey, (s, v) => s with { AccessKey = v })
        .Secret("secret_key", "Secret of the access key.", s => s.SecretKey, (s, v) => s with { SecretKey = v })
        .Flag("path_style", "Whether the bucket is named in the path, as most services but AWS want it.",
            s => s.PathStyle, (s, v) => s with { PathStyle = v })
        .OptionalText("bucket", ClusterTexts.Bucket, "Name of a bucket that exists.", s => s.Bucket, (s, v) => s with { Bucket = v })
        .Text("prefix", ClusterTexts.ObjectPrefix, "What every object's name starts with, such as cortex/.",
            s => s.Prefix, (s, v) => s with { Prefix = v });

    private static readonly SettingTable<StorageSettings> s_postgres = new SettingTable<StorageSettings>(new())
        .Secret("connection_string", "Npgsql's connection string, a secret; by default the server's environment variable CORTEX_POSTGRES.",
            s => s.PostgresConnectionString, (s, v) => s with { PostgresConnectionString = v });

    private static readonly SettingTable<StorageSettings> s_storage = new SettingTable<StorageSettings>(new())
        .Choice("state", "Where deployed APIs, their versions and jobs are kept: in files of the data directory, or in a PostgreSQL database.",
            s => s.State, (s, v) => s with { State = v })
        .Choice("queues", "Where queues and results are kept: in a file of the data directory, or in a PostgreSQL database.",
            s => s.Queues, (s, v) => s with { Queues = v })
        .Section("postgres", s_postgres, "The PostgreSQL database.")
        .Choice("blobs", "Where large payloads and results are kept: in the data directory, or in a bucket.",
            s => s.Blobs, (s, v) => s with { Blobs = v })
        .Part("s3", s_s3, "The bucket.", s => s.S3, (s, v) => s with { S3 = v }, ClusterRules.WholeAccessKey)
        .OptionalText("adopt", Texts.Any,
            "Id of another cluster, gone for good, whose database, bucket or folder this one takes over; the server names it when it refuses them.",
            s => s.Adopt, (s, v) => s with { Adopt = v });

    private static readonly SettingTable<AccessSettings> s_access = new SettingTable<AccessSettings>(new())
        .TextList("trusted_proxies", new ListShape(new NetworkShape()) { MaxCount = 1000 },
            "Addresses and networks of proxies in front of the cluster: their X-Forwarded headers are believed, and they may open any number of connections.",
            s => s.TrustedProxies, (s, v) => s with { TrustedProxies = v })
        .TextList("allowed_hosts", new ListShape(ClusterTexts.AllowedHost) { MaxCount = 1000 },
            "Further host names by which the cluster is reached, such as api.example.com or *.example.com; * for every name. Requests with others start and stop nothing.",
            s => s.AllowedHosts, (s, v) => s with { AllowedHosts = v })
        .Flag("open_metrics", "Whether /metrics is shown to other machines without the token.",
            s => s.OpenMetrics, (s, v) => s with { OpenMetrics = v });

    private static readonly SettingTable<JobSettings> s_jobs = new SettingTable<JobSettings>(new())
        .Int("history", 1, 10_000, "Ended jobs of each API that are kept, with their logs.", s => s.History, (s, v) => s with { History = v })
        .Time("history_age", "1m", "87600h", "Time that ended jobs are kept.", s => s.HistoryAge, (s, v) => s with { HistoryAge = v })
        .Size("log_size", "1Ki", "1Gi", "Output kept of each attempt, the last of it.", s => s.LogSize, (s, v) => s with { LogSize = v }, "10Mi")
        .Int("max_concurrent", 1, 10_000, "Jobs of all APIs that run at a time; further ones wait as pending.",
            s => s.MaxConcurrent, (s, v) => s with { MaxConcurrent = v })
        .Int("max_unfinished", 1, 1_000_000, "Jobs that have not ended; further submissions are refused.",
            s => s.MaxUnfinished, (s, v) => s with { MaxUnfinished = v })
        .Int("parallel_starts", 1, 1000, "Jobs that may be starting, and jobs of each API that may be waiting for room on the machine, at a time.",
            s => s.ParallelStarts, (s, v) => s with { ParallelStarts = v })
        .Time("image_timeout", "1s", "24h", "A job whose images can't be had for this long ends.",
            s => s.ImageTimeout, (s, v) => s with { ImageTimeout = v })
        .Time("termination_grace", "0s", "1h", "Time a worker gets from SIGTERM to SIGKILL.",
            s => s.TerminationGrace, (s, v) => s with { TerminationGrace = v })
        .Time("helper_grace", "0s", "8760h",
            "Time that the other containers of a task job get once one has ended with 0 and none has failed; then they are ended, and the job has succeeded.",
            s => s.HelperGrace, (s, v) => s with { HelperGrace = v })
        .Size("max_submission_size", "1Ki", "1Gi", "Size of one submission.",
            s => s.MaxSubmissionSize, (s, v) => s with { MaxSubmissionSize = v }, "10Mi")
        .Size("max_streamed_size", "1Ki", "1Pi", "Size of a batch job's items when they are streamed as newline-delimited JSON.",
            s => s.MaxStreamedSize, (s, v) => s with { MaxStreamedSize = v }, "10Gi")
        .Time("upload_idle_timeout", "1s", "24h", "Longest time in which no byte of a submission arrives.",
            s => s.UploadIdleTimeout, (s, v) => s with { UploadIdleTimeout = v })
        .Long("max_items", 1, 10_000_000_000, "Items of one batch job, whatever they come from.", s => s.MaxItems, (s, v) => s with { MaxItems = v })
        .Size("max_source_size", "1Ki", "1Pi", "Bytes that one batch job may read from files, unpacked.",
            s => s.MaxSourceSize, (s, v) => s with { MaxSourceSize = v }, "100Gi")
        .Size("max_item_size", "1", "256Mi", "Size of one item of a batch job.", s => s.MaxItemSize, (s, v) => s with { MaxItemSize = v }, "250Ki")
        .Size("max_batch_size", "1", "256Mi", "Size of one batch: its items as a JSON array.",
            s => s.MaxBatchSize, (s, v) => s with { MaxBatchSize = v }, "250Ki")
        .Int("max_workers", 1, 100_000, "Workers of one batch job.", s => s.MaxWorkers, (s, v) => s with { MaxWorkers = v })
        .Int("max_worker_deaths", 0, 10_000,
            "Workers of a batch job that may die one after the other without a batch being finished; one more ends the job.",
            s => s.MaxWorkerDeaths, (s, v) => s with { MaxWorkerDeaths = v })
        .Time("room_timeout", "1s", "168h", "A batch job without a running worker ends when there is no room for one for this long.",
            s => s.RoomTimeout, (s, v) => s with { RoomTimeout = v })
        .Part("sources", s_sources, "Where batch jobs may read files.", s => s.Sources, (s, v) => s with { Sources = v });

    private static readonly SettingTable<DockerSettings> s_docker = new SettingTable<DockerSettings>(new())
        .Text("host", ClusterTexts.DockerHost, "Address of Docker Engine.", s => s.Host, (s, v) => s with { Host = v })
        .Choice("address", "How the server reaches replicas: by their address on the bridge network, by ports published on loopback, or whichever works.",
            s => s.Address, (s, v) => s with { Address = v })
        .Number("cpu_overcommit", 1, 100, "Processors that may be requested per processor there is; processors are shared by weight.",
            s => s.CpuOvercommit, (s, v) => s with { CpuOvercommit = v })
        .Size("memory_reserve", "0", null, "Memory that is kept for the system.", s => s.MemoryReserve, (s, v) => s with { MemoryReserve = v })
        .OptionalNumber("memory_limit_factor", 1, 1000,
            "A container with mem and without mem_limit may use so many times its mem; null for what the machine can spare.",
            s => s.MemoryLimitFactor, (s, v) => s with { MemoryLimitFactor = v })
        .Int("pids_limit", 0, 4_194_304, "Processes and threads of one container; 0 for no limit.",
            s => s.PidsLimit, (s, v) => s with { PidsLimit = v })
        .TextList("capabilities", new ListShape(new ChoiceShape(LinuxCapabilities.Names)),
            "Parts of root's rights that containers keep besides the default ones, such as NET_RAW or SYS_PTRACE.",
            s => s.Capabilities, (s, v) => s with { Capabilities = v })
        .Flag("new_privileges", "Whether a program in a container may gain rights by starting another one, such as sudo.",
            s => s.NewPrivileges, (s, v) => s with { NewPrivileges = v })
        .Flag("init", "Whether Docker's init is the first process of containers whose image brings none.", s => s.Init, (s, v) => s with { Init = v })
        .Flag("reach_containers", "Whether containers of different replicas reach each other's addresses.",
            s => s.ReachContainers, (s, v) => s with { ReachContainers = v })
        .Flag("reach_metadata", "Whether containers reach the addresses at which clouds give a machine's credentials.",
            s => s.ReachMetadata, (s, v) => s with { ReachMetadata = v })
        .Int("parallel_starts", 1, 1000, "Containers that Docker is asked to start, end or remove at a time, at most; fewer while it is slow.",
            s => s.ParallelStarts, (s, v) => s with { ParallelStarts = v })
        .Int("spare_networks", 0, 100, "Network containers that are kept running for replicas to come, which start in half the time; 0 for none.",
            s => s.SpareNetworks, (s, v) => s with { SpareNetworks = v })
        .Time("pull_timeout", "1s", "24h", "Longest pull of an image.", s => s.PullTimeout, (s, v) => s with { PullTimeout = v });

    private static readonly SettingTable<LimitSettings> s_limits = new SettingTable<LimitSettings>(new())
        .Time("stalled_after", "1s", "24h", "A replica that is pending for longer counts as stalled.",
            s => s.StalledAfter, (s, v) => s with { StalledAfter = v })
        .Time("termination_grace", "0s", "1h", "Time a replica gets to finish its requests and stop.",
            s => s.TerminationGrace, (s, v) => s with { TerminationGrace = v })
        .Int("api_versions", 1, 1000, "Versions of one API that are kept.", s => s.ApiVersions, (s, v) => s with { ApiVersions = v })
        .Int("max_apis", 1, 100_000, "APIs that may be deployed.", s => s.MaxApis, (s, v) => s with { MaxApis = v })
        .Int("max_replicas", 1, 100_000, "Replicas that one API may ask for.", s => s.MaxReplicas, (s, v) => s with { MaxReplicas = v })
        .Int("log_streams", 1, 10_000, "Clients that may read logs at a time.", s => s.LogStreams, (s, v) => s with { LogStreams = v })
        .Time("log_stall", "1s", "1h", "A client that takes no log lines for so long is cut off.", s => s.LogStall, (s, v) => s with { LogStall = v })
        .Size("server_log_size", "64Ki", "1Ti", "Size of the server's log file before it is rotated.",
            s => s.ServerLogSize, (s, v) => s with { ServerLogSize = v })
        .Int("max_connections", 10, 100_000, "Connections of the operator's clients at a time.",
            s => s.MaxConnections, (s, v) => s with { MaxConnections = v })
        .Int("max_connections_per_address", 1, 100_000, "Connections of one address to the operator at a time.",
            s => s.MaxConnectionsPerAddress, (s, v) => s with { MaxConnectionsPerAddress = v });

    private static readonly SettingTable<GatewaySettings> s_gateway = new SettingTable<GatewaySettings>(new())
        .Size("max_request_body", "1", "1Pi", "Size of one request's body.", s => s.MaxRequestBody, (s, v) => s with { MaxRequestBody = v })
        .Size("max_header_size", "8Ki", "1Mi", "Size of one request's headers together.",
            s => s.MaxHeaderSize, (s, v) => s with { MaxHeaderSize = v })
        .Int("max_headers", 10, 10_000, "Headers of one request.", s => s.MaxHeaders, (s, v) => s with { MaxHeaders = v })
        .Time("header_timeout", "100ms", "1h", "Time a client has to send its headers.", s => s.HeaderTimeout, (s, v) => s with { HeaderTimeout = v })
        .Time("keep_alive_timeout", "1s", "24h", "Time a client's connection may be idle between requests.",
            s => s.KeepAliveTimeout, (s, v) => s with { KeepAliveTimeout = v })
        .Time("connect_timeout", "10ms", "1h", "Time a connection to a replica may take.",
            s => s.ConnectTimeout, (s, v) => s with { ConnectTimeout = v })
        .Time("queue_timeout", "100ms", "24h", "Time a request may wait for a replica.", s => s.QueueTimeout, (s, v) => s with { QueueTimeout = v })
        .Time("wake_timeout", "100ms", "24h", "Time a request may wait for the first replica of an API without any.",
            s => s.WakeTimeout, (s, v) => s with { WakeTimeout = v })
        .Size("wake_buffer", "1Mi", "1Ti", "Size of the bodies of requests together that wait for the first replica of their API; each takes at most 1Mi.",
            s => s.WakeBuffer, (s, v) => s with { WakeBuffer = v }, "128Mi")
        .Time("idle_timeout", "0s", "24h", "Time a delivered request may go without data either way; 0s for no limit.",
            s => s.IdleTimeout, (s, v) => s with { IdleTimeout = v })
        .Time("client_idle_timeout", "1s", "24h", "Time a client may pause while a replica serves it: sending its request's body, or taking the answer.",
            s => s.ClientIdleTimeout, (s, v) => s with { ClientIdleTimeout = v })
        .Time("stream_idle_timeout", "1s", "168h",
            "Time a stream (WebSocket, gRPC, a body that goes on after its answer has begun) may go without data either way.",
            s => s.StreamIdleTimeout, (s, v) => s with { StreamIdleTimeout = v })
        .Size("shadow_max_body", "0", "1Gi", "Largest body of a request that is copied to a shadow.",
            s => s.ShadowMaxBody, (s, v) => s with { ShadowMaxBody = v })
        .Size("shadow_memory", "64Ki", "64Gi", "Memory for all copies to shadows at a time; what is more is not copied.",
            s => s.ShadowMemory, (s, v) => s with { ShadowMemory = v })
        .Time("shadow_timeout", "100ms", "24h", "Time that a copy to a shadow has, waiting and answer included.",
            s => s.ShadowTimeout, (s, v) => s with { ShadowTimeout = v })
        .Int("max_connections", 1, 1_000_000, "Connections of clients at a time.", s => s.MaxConnections, (s, v) => s with { MaxConnections = v })
        .Int("max_connections_per_address", 1, 1_000_000, "Connections of one address at a time; of IPv6, of one /64.",
            s => s.MaxConnectionsPerAddress, (s, v) => s with { MaxConnectionsPerAddress = v });

    private static readonly SettingTable<QueueStoreSettings> s_queue = new SettingTable<QueueStoreSettings>(new())
        .Size("inline_limit", "1Ki", "1Mi", "Payloads and results up to this size are kept with their request, larger ones in the blob store.",
            s => s.InlineLimit, (s, v) => s with { InlineLimit = (int)v }, "64Ki")
        .Int("max_pending", 1, 1_000_000, "Operations that may wait to be written.", s => s.MaxPending, (s, v) => s with { MaxPending = v })
        .Size("max_pending_bytes", "1Mi", "1Gi", "Bytes that may wait to be written.",
            s => s.MaxPendingBytes, (s, v) => s with { MaxPendingBytes = v })
        .Size("max_commit_bytes", "1Mi", "64Mi", "Bytes of one commit.", s => s.MaxCommitBytes, (s, v) => s with { MaxCommitBytes = (int)v }, "8Mi")
        .Size("payload_cache", "0", "1Gi", "Memory for payloads that were just written and will be worked on soon.",
            s => s.PayloadCache, (s, v) => s with { PayloadCache = v })
        .Int("attempts_kept", 1, 100, "Attempts kept with a request, the latest ones.", s => s.AttemptsKept, (s, v) => s with { AttemptsKept = v })
        .Int("max_waiters", 0, 1_000_000, "Callers that may wait for a result at a time; further ones are answered at once.",
            s => s.MaxWaiters, (s, v) => s with { MaxWaiters = v })
        .Int("fairness_interval", 2, 1000, "Of this many requests one is the oldest whatever its priority.",
            s => s.FairnessInterval, (s, v) => s with { FairnessInterval = v })
        .Time("sweep_interval", "100ms", "24h", "Time between two looks for expired results.",
            s => s.SweepInterval, (s, v) => s with { SweepInterval = v })
        .Size("disk_reserve", "0", "1Ti", "Room on the disk that large payloads leave free, and half of it large results.",
            s => s.DiskReserve, (s, v) => s with { DiskReserve = v }, "64Mi")
        .Time("orphan_age", "1m", "720h", "Blobs that belong to no request are removed when they are older; less than 24h counts as 24h.",
            s => s.OrphanAge, (s, v) => s with { OrphanAge = v });

    private static readonly SettingTable<AsyncSettings> s_async = new SettingTable<AsyncSettings>(new())
        .Time("max_wait", "1s", "24h", "Longest wait for a result; longer ones are cut.", s => s.MaxWait, (s, v) => s with { MaxWait = v })
        .Time("upload_idle_timeout", "1s", "24h", "Longest time in which less than 16 KiB of a payload arrive.",
            s => s.UploadIdleTimeout, (s, v) => s with { UploadIdleTimeout = v });

    private static readonly SettingTable<CallbackSettings> s_callbacks = new SettingTable<CallbackSettings>(new())
        .Flag("allow_private_targets", "Whether loopback, link-local and private addresses may be called.",
            s => s.AllowPrivateTargets, (s, v) => s with { AllowPrivateTargets = v })
        .TextList("allowed_targets", new ListShape(ClusterTexts.CallbackTarget) { MaxCount = 1000 },
            "Host names, addresses and networks such as 10.1.0.0/16 that may be called although they are private, with :PORT for one port alone.",
            s => s.AllowedTargets, (s, v) => s with { AllowedTargets = v })
        .Int("attempts", 1, 100, "Attempts before a delivery is given up.", s => s.Attempts, (s, v) => s with { Attempts = v })
        .Time("backoff", "10ms", "24h", "Pause before the second attempt; doubles with each further one.",
            s => s.Backoff, (s, v) => s with { Backoff = v })
        .Time("backoff_max", "10ms", "24h", "Longest pause between attempts.", s => s.BackoffMax, (s, v) => s with { BackoffMax = v })
        .Time("timeout", "100ms", "1h", "Longest time of one attempt.", s => s.Timeout, (s, v) => s with { Timeout = v })
        .Int("concurrency", 1, 1000, "Deliveries at a time.", s => s.Concurrency, (s, v) => s with { Concurrency = v });

    /// <summary>The parts of the file.</summary>
    public static readonly SettingTable<ClusterConfig> Parts = new SettingTable<ClusterConfig>(new())
        .Part("operator", Listener(new ClusterConfig().Operator), "Where the operator listens.", c => c.Operator, (c, v) => c with { Operator = v })
        .Part("apis", Listener(new ClusterConfig().Apis), "Where the APIs are reached.", c => c.Apis, (c, v) => c with { Apis = v })
        .Part("access", s_access, "Who is believed what.", c => c.Access, (c, v) => c with { Access = v })
        .Part("jobs", s_jobs, "Bounds of jobs.", c => c.Jobs, (c, v) => c with { Jobs = v })
        .Part("docker", s_docker, "How replicas run on Docker.", c => c.Docker, (c, v) => c with { Docker = v })
        .Part("limits", s_limits, "Bounds of the operator.", c => c.Limits, (c, v) => c with { Limits = v })
        .Part("gateway", s_gateway, "Bounds of the gateway.", c => c.Gateway, (c, v) => c with { Gateway = v })
        .Part("storage", s_storage, "Where queues, payloads and results of Async APIs are kept.", c => c.Storage, (c, v) => c with { Storage = v }, ClusterRules.BucketForS3)
        .Part("queue", s_queue, "Bounds of the queue store.", c => c.Queue, (c, v) => c with { Queue = v })
        .Part("async", s_async, "Bounds of Async APIs' endpoints.", c => c.Async, (c, v) => c with { Async = v })
        .Part("callbacks", s_callbacks, "How callbacks of Async APIs are delivered.", c => c.Callbacks, (c, v) => c with { Callbacks = v }, ClusterRules.CallbackBackoff);

    private static SettingTable<ListenAddress> Listener(ListenAddress byDefault) => new SettingTable<ListenAddress>(byDefault)
        .Text("host", ClusterTexts.ListenHost, "IP address or host name to listen on; 0.0.0.0 for every network of this machine.", a => a.Host, (a, v) => a with { Host = v })
        .Int("port", 1, 65535, "Port to listen on.", a => a.Port, (a, v) => a with { Port = v });
}
