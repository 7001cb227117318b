using System.Text.Json;
using Cortex.Core.Clusters;
using Cortex.Core.Shapes;
using Cortex.Core.Tests.Specs;

namespace Cortex.Core.Tests.Clusters;

public sealed class ClusterConfigParserTests
{
    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("node_groups: null\n")]
    public void Parse_NothingSet_EqualsTheDefaults(string yaml)
    {
        var file = ClusterConfigParser.Parse("cluster.yaml", yaml);

        Assert.Empty(file.Errors);
        Assert.Equal(Text(new ClusterConfig()), Text(file.Config!));
        Assert.Empty(file.Config!.IgnoredFields);
        Assert.Equal(new DockerSettings(), file.Config.Docker with { Capabilities = new DockerSettings().Capabilities });
        Assert.Empty(file.Config.Docker.Capabilities);
        Assert.Equal(new LimitSettings(), file.Config.Limits);
        Assert.Equal(new GatewaySettings(), file.Config.Gateway);
        Assert.Equal(new JobSettings(), file.Config.Jobs with { Sources = new JobSourceSettings() });
        Assert.Equal(new JobS3Settings(), file.Config.Jobs.Sources.S3 with { Buckets = new JobS3Settings().Buckets });
        Assert.Empty(file.Config.Jobs.Sources.S3.Buckets);
        Assert.Empty(file.Config.Jobs.Sources.FileFolders);
        Assert.Empty(file.Config.Jobs.Sources.HttpHosts);
        Assert.Equal(new StorageSettings(), file.Config.Storage);
        Assert.Equal(new QueueStoreSettings(), file.Config.Queue);
        Assert.Equal(new AsyncSettings(), file.Config.Async);
        Assert.Equal(new CallbackSettings(), file.Config.Callbacks with { AllowedTargets = new CallbackSettings().AllowedTargets });
        Assert.Empty(file.Config.Callbacks.AllowedTargets);
        Assert.Equal((new ListenAddress("127.0.0.1", 8888), new ListenAddress("127.0.0.1", 8889)), (file.Config.Operator, file.Config.Apis));
    }

    [Fact]
    public void Parse_OurFields_AreTakenOver()
    {
        var config = ClusterConfigParser.Parse("cluster.yaml", Samples.Cluster).Config!;

        Assert.Equal(("my-cluster", "us-west-2"), (config.ClusterName, config.Region));
        Assert.Equal((new ListenAddress("0.0.0.0", 9000), new ListenAddress("::1", 9001)), (config.Operator, config.Apis));
        Assert.Equal(
            new DockerSettings
            {
                Host = "unix:///run/podman/podman.sock", Address = ReplicaAddressing.Loopback, CpuOvercommit = 1, MemoryReserve = 1 << 30, MemoryLimitFactor = 2.5,
                PidsLimit = 0, NewPrivileges = true, Init = false, ReachContainers = true, ReachMetadata = true, ParallelStarts = 4, SpareNetworks = 0,
                PullTimeout = TimeSpan.FromHours(1), Capabilities = config.Docker.Capabilities,
            },
            config.Docker);
        Assert.Equal(["NET_RAW", "SYS_PTRACE"], config.Docker.Capabilities);
        Assert.Equal(new LimitSettings { StalledAfter = TimeSpan.FromMinutes(5), TerminationGrace = TimeSpan.Zero, ApiVersions = 3, MaxApis = 23, MaxReplicas = 24, LogStreams = 21, LogStall = TimeSpan.FromSeconds(22), ServerLogSize = 1 << 20, MaxConnections = 30, MaxConnectionsPerAddress = 3 }, config.Limits);
        Assert.Equal(["10.0.0.0/8", "::1"], config.Access.TrustedProxies);
        Assert.Equal(["api.example.com", "*.example.org"], config.Access.AllowedHosts);
        Assert.True(config.Access.OpenMetrics);
        Assert.Equal(
            new GatewaySettings
            {
                MaxRequestBody = 1 << 20, MaxHeaderSize = 8192, MaxHeaders = 50, HeaderTimeout = TimeSpan.FromSeconds(1), KeepAliveTimeout = TimeSpan.FromSeconds(2),
                ConnectTimeout = TimeSpan.FromSeconds(3), QueueTimeout = TimeSpan.FromSeconds(4), WakeTimeout = TimeSpan.FromSeconds(7), WakeBuffer = 2 << 20, IdleTimeout = TimeSpan.FromSeconds(5),
                ShadowMaxBody = 2 << 20, ShadowMemory = 3 << 20, ShadowTimeout = TimeSpan.FromSeconds(6), MaxConnections = 6, MaxConnectionsPerAddress = 4, ClientIdleTimeout = TimeSpan.FromSeconds(8), StreamIdleTimeout = TimeSpan.FromSeconds(9),
            },
            config.Gateway);
        Assert.Equal(
            new StorageSettings
            {
                Queues = RowStorage.Postgres, Adopt = "another", PostgresConnectionString = "Host=db;Username=cortex;Password=pg-secret", Blobs = BlobStorage.S3,
                S3 = new S3Settings { Endpoint = "http://minio:9000", Region = "eu-west-1", Bucket = "cortex", Prefix = "one/", AccessKey = "AKIA", SecretKey = "s3-secret", PathStyle = true },
            },
            config.Storage);
        Assert.Equal(
            new QueueStoreSettings
            {
                InlineLimit = 32 * 1024, MaxPending = 7, MaxPendingBytes = 2 << 20, MaxCommitBytes = 1 << 20, PayloadCache = 0, AttemptsKept = 8, MaxWaiters = 9, FairnessInterval = 11,
                SweepInterval = TimeSpan.FromSeconds(12), OrphanAge = TimeSpan.FromHours(13), DiskReserve = 21 << 20,
            },
            config.Queue);
        Assert.Equal(new AsyncSettings { MaxWait = TimeSpan.FromSeconds(14), UploadIdleTimeout = TimeSpan.FromSeconds(20) }, config.Async);
        Assert.Equal(
            new JobSettings
            {
                History = 2, HistoryAge = TimeSpan.FromHours(3), LogSize = 4 << 20, MaxConcurrent = 5, MaxUnfinished = 6, ParallelStarts = 7,
                ImageTimeout = TimeSpan.FromSeconds(8), TerminationGrace = TimeSpan.FromSeconds(9), HelperGrace = TimeSpan.FromSeconds(21), MaxSubmissionSize = 10 * 1024,
                MaxStreamedSize = 11 * 1024, UploadIdleTimeout = TimeSpan.FromSeconds(17), MaxItems = 18, MaxSourceSize = 19 * 1024, MaxItemSize = 12 * 1024, MaxBatchSize = 13 * 1024, MaxWorkers = 14, MaxWorkerDeaths = 15, RoomTimeout = TimeSpan.FromSeconds(16),
                Sources = config.Jobs.Sources,
            },
            config.Jobs);
        Assert.Equal(new JobS3Settings { Endpoint = "http://minio:9000", Region = "eu-west-2", AccessKey = "JOBKEY", SecretKey = "job-secret", PathStyle = true, Buckets = config.Jobs.Sources.S3.Buckets }, config.Jobs.Sources.S3);
        Assert.Equal(["data", "other/public/"], config.Jobs.Sources.S3.Buckets);
        Assert.Equal(["/data", "/srv/sets"], config.Jobs.Sources.FileFolders);
        Assert.Equal(["files.internal", "10.0.0.1:8080", "*"], config.Jobs.Sources.HttpHosts);
        Assert.Equal(["hooks.internal:443", "10.1.0.0/16", "fd00::/8"], config.Callbacks.AllowedTargets);
        Assert.Equal(
            new CallbackSettings
            {
                AllowPrivateTargets = true, AllowedTargets = config.Callbacks.AllowedTargets, Attempts = 15, Backoff = TimeSpan.FromSeconds(16), BackoffMax = TimeSpan.FromMinutes(17),
                Timeout = TimeSpan.FromSeconds(18), Concurrency = 19,
            },
            config.Callbacks);
        var group = Assert.Single(config.NodeGroups);
        Assert.Equal(("cpu", "m5.large", 0, 2, 100), (group.Name, group.InstanceType, group.MinInstances, group.MaxInstances, group.Priority));
        Assert.Equal(new NodeGroupResources(1500, 3L << 30, 1), group.Resources);
        Assert.Empty(config.IgnoredFields);
    }

    [Theory]
    [InlineData("resources: null", null)]
    [InlineData("min_instances: 1", null)]
    [InlineData("resources: {}", "||")]
    [InlineData("resources: {cpu: null, gpu: 0}", "||0")]
    [InlineData("resources: {cpu: 4}", "4000||")]
    [InlineData("resources: {mem: 1Gi}", "|1073741824|")]
    public void Parse_ResourcesOfANodeGroup_AreOptional(string line, string? expected)
    {
        var share = Assert.Single(ClusterConfigParser.Parse("cluster.yaml", $"node_groups: [{{name: a, instance_type: t, {line}}}]").Config!.NodeGroups).Resources;

        Assert.Equal(expected, share is null ? null : $"{share.CpuMillis}|{share.MemoryBytes}|{share.Gpus}");
    }

    [Theory]
    [InlineData("node_groups: []")]
    [InlineData("node_groups: [{name: a, instance_type: t}]")]
    [InlineData("node_groups: [{name: a, instance_type: t, resources: {cpu: 1500m, mem: 3Gi, gpu: 2}}, {name: b, instance_type: t, resources: {mem: 100Mi}}]")]
    public void ToInfo_NodeGroups_CanBeReadAgain(string yaml)
    {
        var config = ClusterConfigParser.Parse("cluster.yaml", yaml).Config!;

        var again = ClusterConfigParser.Parse("cluster.yaml", $"node_groups: {config.ToInfo("", "", "", false).GetProperty("node_groups").GetRawText()}");

        Assert.Empty(again.Errors);
        Assert.Equal(config.NodeGroups.Select(group => (group.Name, group.Resources)), again.Config!.NodeGroups.Select(group => (group.Name, group.Resources)));
    }

    [Fact]
    public void Parse_FieldsWithoutEffect_AreListedInFileOrder()
    {
        var config = ClusterConfigParser.Parse("cluster.yaml", """
            telemetry: true
            node_groups:
            - name: gpu
              instance_type: g4dn.xlarge
              spot: true
              spot_config: {max_price: 1, instance_pools: 2}
            vpc_cidr: 10.0.0.0/16
            tags: {team: ml}
            image_proxy: quay.io/cortexlabs/proxy:0.42.1
            subnets: [{availability_zone: a, subnet_id: s}]
            """).Config!;

        Assert.Equal(["telemetry", "node_groups[0].spot", "node_groups[0].spot_config", "vpc_cidr", "tags", "image_proxy", "subnets"], config.IgnoredFields);
    }

    [Theory]
    [InlineData("clusterconfig.did_not_match_strict_s3_regex", "1:1", "cluster_name", "cluster_name: My_Cluster")]
    [InlineData("configreader.too_short", "1:1", "cluster_name", "cluster_name: ab")]
    [InlineData("configreader.unsupported_key", "1:1", "clustername", "clustername: abc")]
    [InlineData("configreader.invalid_primitive_type", "1:1", "", "- cluster_name: abc")]
    [InlineData("configreader.invalid_yaml", "1:7", "", "tags: }")]
    [InlineData("clusterconfig.disallowed_field", "1:1", "bucket", "bucket: b")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:12", "operator.port", "operator: {port: 65536}")]
    [InlineData("clusterconfig.same_port", "1:8", "apis.port", "apis: {port: 8888}")]
    [InlineData("clusterconfig.same_port", "1:12", "operator.port", "operator: {port: 8889}")]
    [InlineData("configreader.invalid_str", "1:12", "operator.host", "operator: {host: 'a b'}")]
    [InlineData("configreader.invalid_str", "1:10", "docker.host", "docker: {host: tcp://1.2.3.4}")]
    [InlineData("configreader.invalid_str", "1:10", "docker.address", "docker: {address: host}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:10", "docker.cpu_overcommit", "docker: {cpu_overcommit: 0.5}")]
    [InlineData("configreader.invalid_str", "1:25", "docker.capabilities[0]", "docker: {capabilities: [CAP_NET_RAW]}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:10", "docker.memory_limit_factor", "docker: {memory_limit_factor: 0.9}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:10", "docker.pids_limit", "docker: {pids_limit: -1}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:10", "docker.memory_reserve", "docker: {memory_reserve: -1Mi}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:10", "limits.server_log_size", "limits: {server_log_size: 2Ti}")]
    [InlineData("configreader.invalid_str", "1:29", "access.trusted_proxies[0]", "access: {trusted_proxies: [ 10.0.0.1/33 ]}")]
    [InlineData("configreader.invalid_str", "1:29", "access.trusted_proxies[0]", "access: {trusted_proxies: [ proxy.local ]}")]
    [InlineData("configreader.invalid_str", "1:27", "access.allowed_hosts[0]", "access: {allowed_hosts: [ 'http://a' ]}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:11", "gateway.client_idle_timeout", "gateway: {client_idle_timeout: 0s}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:11", "gateway.queue_timeout", "gateway: {queue_timeout: 25h}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:11", "gateway.max_header_size", "gateway: {max_header_size: 7Ki}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:11", "gateway.max_header_size", "gateway: {max_header_size: 1025Ki}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:11", "gateway.max_headers", "gateway: {max_headers: 9}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:55", "node_groups[0].resources.cpu", "node_groups: [{name: a, instance_type: t, resources: {cpu: 1m}}]")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:55", "node_groups[0].resources.gpu", "node_groups: [{name: a, instance_type: t, resources: {gpu: -1}}]")]
    [InlineData("configreader.must_be_defined", "1:15", "node_groups[0].instance_type", "node_groups: [{name: a}]")]
    [InlineData("clusterconfig.duplicate_nodegroup_name", "1:45", "node_groups[1].name", "node_groups: [{name: a, instance_type: t}, {name: a, instance_type: t}]")]
    [InlineData("clusterconfig.min_instances_greater_than_max", "1:43", "node_groups[0].min_instances", "node_groups: [{name: a, instance_type: t, min_instances: 6}]")]
    [InlineData("clusterconfig.node_group_max_instances_is_zero", "1:43", "node_groups[0].max_instances", "node_groups: [{name: a, instance_type: t, max_instances: 0}]")]
    [InlineData("configreader.invalid_primitive_type", "1:1", "telemetry", "telemetry: 'yes'")]
    [InlineData("configreader.invalid_str", "1:11", "storage.queues", "storage: {queues: mysql}")]
    [InlineData("configreader.must_be_defined", "1:1", "storage.s3.bucket", "storage: {blobs: s3}")]
    [InlineData("configreader.must_be_defined", "3:8", "storage.s3.bucket", "storage:\n  blobs: s3\n  s3: {bucket: null}")]
    [InlineData("configreader.must_be_defined", "1:11", "storage.s3", "storage: {s3: {access_key: a}}")]
    [InlineData("configreader.invalid_str", "1:16", "storage.s3.endpoint", "storage: {s3: {endpoint: 'minio:9000'}}")]
    [InlineData("configreader.cannot_be_empty", "1:22", "storage.postgres.connection_string", "storage: {postgres: {connection_string: ''}}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:9", "queue.inline_limit", "queue: {inline_limit: 2Mi}")]
    [InlineData("configreader.must_be_defined", "1:18", "jobs.sources.s3", "jobs: {sources: {s3: {secret_key: a}}}")]
    [InlineData("configreader.invalid_str", "1:34", "jobs.sources.file_folders[0]", "jobs: {sources: {file_folders: [ data ]}}")]
    [InlineData("configreader.invalid_str", "1:32", "jobs.sources.http_hosts[0]", "jobs: {sources: {http_hosts: [ 'http://a' ]}}")]
    [InlineData("configreader.invalid_str", "1:32", "jobs.sources.http_hosts[0]", "jobs: {sources: {http_hosts: [ 'a:' ]}}")]
    [InlineData("configreader.invalid_str", "1:32", "jobs.sources.http_hosts[0]", "jobs: {sources: {http_hosts: [ 'a:b' ]}}")]
    [InlineData("configreader.invalid_str", "1:32", "jobs.sources.http_hosts[0]", "jobs: {sources: {http_hosts: [ '*:80' ]}}")]
    [InlineData("configreader.invalid_str", "1:34", "jobs.sources.s3.buckets[0]", "jobs: {sources: {s3: {buckets: [ 's3://a' ]}}}")]
    [InlineData("configreader.invalid_str", "1:34", "jobs.sources.s3.buckets[0]", "jobs: {sources: {s3: {buckets: [ 'Data/x' ]}}}")]
    [InlineData("spec.specify_exactly_one_field", "1:53", "jobs.sources.s3.environment", "jobs: {sources: {s3: {access_key: a, secret_key: b, environment: true}}}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:8", "jobs.max_items", "jobs: {max_items: 0}")]
    [InlineData("clusterconfig.disallowed_field", "1:1", "api_load_balancer_cidr_white_list", "api_load_balancer_cidr_white_list: [10.0.0.0/8]")]
    [InlineData("clusterconfig.disallowed_field", "1:1", "operator_load_balancer_cidr_white_list", "operator_load_balancer_cidr_white_list: [1.2.3.4/32, 10.0.0.0/8]")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:8", "jobs.max_workers", "jobs: {max_workers: 0}")]
    [InlineData("configreader.unsupported_key", "1:9", "queue.max_attempts", "queue: {max_attempts: 2}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:9", "queue.orphan_age", "queue: {orphan_age: 59s}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:9", "async.max_wait", "async: {max_wait: 25h}")]
    [InlineData("configreader.invalid_str", "1:32", "callbacks.allowed_targets[0]", "callbacks: {allowed_targets: [ 'http://a/' ]}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:13", "callbacks.backoff", "callbacks: {backoff: 11m}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:13", "callbacks.attempts", "callbacks: {attempts: 0}")]
    public void Parse_OneMistake_IsReportedWithKindPlaceAndPath(string kind, string place, string path, string yaml)
    {
        var file = ClusterConfigParser.Parse("cluster.yaml", yaml);

        Assert.Null(file.Config);
        var error = Assert.Single(file.Errors);
        Assert.Equal((kind, place, path), (error.Kind, $"{error.Line}:{error.Column}", error.Path));
    }

    [Theory]
    [InlineData("api_load_balancer_cidr_white_list: [0.0.0.0/0]")]
    [InlineData("operator_load_balancer_cidr_white_list: []")]
    [InlineData("operator_load_balancer_cidr_white_list: null")]
    [InlineData("api_load_balancer_cidr_white_list: [10.0.0.0/8, 0.0.0.0/0]")]
    public void Parse_AllowListThatLetsEverybodyIn_IsTaken(string yaml) => Assert.Empty(ClusterConfigParser.Parse("cluster.yaml", yaml).Errors);

    [Fact]
    public void Parse_AllowListThatNobodyKeeps_SaysWhatToDo() => Assert.Equal(
        "is not kept here: it would let everybody in who reaches apis.host; remove it, and use a firewall or a reverse proxy",
        Assert.Single(ClusterConfigParser.Parse("cluster.yaml", "api_load_balancer_cidr_white_list: [10.0.0.0/8]").Errors).Detail);

    [Theory]
    [InlineData("operater: {}", "`operater` is not a key here; did you mean `operator`?")]
    [InlineData("limit: {}", "`limit` is not a key here; did you mean `limits`?")]
    [InlineData("gatewaysettings: {}", "`gatewaysettings` is not a key here; the nearest of the {0} keys here is `gateway`")]
    [InlineData("jobs: {sources: {ftp_hosts: []}}", "`ftp_hosts` is not a key here; did you mean `http_hosts`?")]
    [InlineData("jobs: {sources: {zzz: []}}", "`zzz` is not a key here; the keys here are `s3`, `file_folders` and `http_hosts`")]
    public void Parse_UnknownKey_HintsAtTheNearest(string yaml, string detail) => Assert.Equal(
        detail.Replace("{0}", $"{ClusterShapes.Cluster.Fields.Count}", StringComparison.Ordinal), Assert.Single(ClusterConfigParser.Parse("cluster.yaml", yaml).Errors).Detail);

    [Fact]
    public void Settings_OfEveryPart_HaveAKey()
    {
        var parts = typeof(ClusterConfig).GetProperties().Where(property => property.PropertyType.Name.EndsWith("Settings", StringComparison.Ordinal)).ToList();

        Assert.True(parts.Count > 8);
        Assert.All(parts, part =>
        {
            var field = Assert.Single(ClusterTables.Parts.Fields, field => field.Key.Equals(part.Name, StringComparison.OrdinalIgnoreCase));
            Assert.Equal(part.PropertyType.GetProperties().Count(property => property.CanWrite), ((MapShape)field.Shape).Fields.Count);
        });
    }

    [Fact]
    public void ToInfo_Defaults_HaveEveryFieldOfTheContract()
    {
        var info = new ClusterConfig().ToInfo("1.0.0", "op", "id", isOperatorInCluster: true);

        Assert.Equal(("cortex", "local"), (info.GetProperty("cluster_name").GetString(), info.GetProperty("region").GetString()));
        Assert.Equal("[]", info.GetProperty("node_groups").GetRawText());
        Assert.Equal("\"nlb\"", info.GetProperty("api_load_balancer_type").GetRawText());
        Assert.Equal("null", info.GetProperty("image_operator").GetRawText());
        Assert.Equal("{\"host\":\"127.0.0.1\",\"port\":8888}", info.GetProperty("operator").GetRawText());
        Assert.Equal("50Mi", info.GetProperty("limits").GetProperty("server_log_size").GetString());
        Assert.Equal(
            ("1.0.0", "op", "id", true, "op", "id"),
            (info.GetProperty("api_version").GetString(), info.GetProperty("operator_id").GetString(), info.GetProperty("cluster_id").GetString(),
                info.GetProperty("is_operator_in_cluster").GetBoolean(), info.GetProperty("account_id").GetString(), info.GetProperty("cluster_uid").GetString()));
        Assert.Equal(info.EnumerateObject().Select(property => property.Name).Distinct().Count(), info.EnumerateObject().Count());
        Assert.All(ClusterShapes.Cluster.Fields, field => Assert.True(info.TryGetProperty(field.Key, out _), field.Key));
    }

    [Fact]
    public void ToInfo_Secrets_AreHidden()
    {
        var config = ClusterConfigParser.Parse("cluster.yaml", Samples.Cluster).Config!;

        var storage = config.ToInfo("1", "", "", false).GetProperty("storage");

        Assert.Equal("(hidden)", storage.GetProperty("postgres").GetProperty("connection_string").GetString());
        Assert.Equal(("(hidden)", "(hidden)", "cortex"), (storage.GetProperty("s3").GetProperty("access_key").GetString(), storage.GetProperty("s3").GetProperty("secret_key").GetString(), storage.GetProperty("s3").GetProperty("bucket").GetString()));
        Assert.All(config.Secrets.Values, secret => Assert.DoesNotContain(secret, Text(config), StringComparison.Ordinal));
        Assert.Equal(["AKIA", "Host=db;Username=cortex;Password=pg-secret", "JOBKEY", "job-secret", "s3-secret"], config.Secrets.Values.Order(StringComparer.Ordinal));
        Assert.Equal(JsonValueKind.Null, new ClusterConfig().ToInfo("1", "", "", false).GetProperty("storage").GetProperty("postgres").GetProperty("connection_string").ValueKind);
    }

    [Fact]
    public void ToInfo_UnusedValues_AreEchoed()
    {
        var info = ClusterConfigParser.Parse("c.yaml", "tags: {b: x, a: z}\nnode_groups: [{name: g, instance_type: t, spot: true, spot_config: {max_price: 0.5}}]\nsubnets: [{availability_zone: a, subnet_id: s}]\n").Config!.ToInfo("1", "", "", false);

        Assert.Equal("""{"a":"z","b":"x"}""", info.GetProperty("tags").GetRawText());
        Assert.Equal("""[{"availability_zone":"a","subnet_id":"s"}]""", info.GetProperty("subnets").GetRawText());
        var group = info.GetProperty("node_groups")[0];
        Assert.True(group.GetProperty("spot").GetBoolean());
        Assert.Equal(0.5, group.GetProperty("spot_config").GetProperty("max_price").GetDouble());
        Assert.Equal("gp3", group.GetProperty("instance_volume_type").GetString());
    }

    private static string Text(ClusterConfig config) => JsonSerializer.Serialize(config.ToInfo("1", "o", "c", true));
}
