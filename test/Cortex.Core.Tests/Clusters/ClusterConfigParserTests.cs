using System.Text.Json;
using Cortex.Core.Clusters;
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
        Assert.Equal(new DockerSettings(), file.Config.Docker);
        Assert.Equal(new LimitSettings(), file.Config.Limits);
        Assert.Equal(new GatewaySettings(), file.Config.Gateway);
        Assert.Equal((new ListenAddress("127.0.0.1", 8888), new ListenAddress("127.0.0.1", 8889)), (file.Config.Operator, file.Config.Apis));
    }

    [Fact]
    public void Parse_OurFields_AreTakenOver()
    {
        var config = ClusterConfigParser.Parse("cluster.yaml", Samples.Cluster).Config!;

        Assert.Equal(("my-cluster", "us-west-2"), (config.ClusterName, config.Region));
        Assert.Equal((new ListenAddress("0.0.0.0", 9000), new ListenAddress("::1", 9001)), (config.Operator, config.Apis));
        Assert.Equal(
            new DockerSettings { Host = "unix:///run/podman/podman.sock", Address = ReplicaAddressing.Loopback, CpuOvercommit = 1, MemoryReserve = 1 << 30, ParallelStarts = 4, SpareNetworks = 0, PullTimeout = TimeSpan.FromHours(1) },
            config.Docker);
        Assert.Equal(new LimitSettings { StalledAfter = TimeSpan.FromMinutes(5), TerminationGrace = TimeSpan.Zero, ApiVersions = 3, ServerLogSize = 1 << 20 }, config.Limits);
        Assert.Equal(
            new GatewaySettings
            {
                MaxRequestBody = 1 << 20, MaxHeaderSize = 8192, MaxHeaders = 50, HeaderTimeout = TimeSpan.FromSeconds(1), KeepAliveTimeout = TimeSpan.FromSeconds(2),
                ConnectTimeout = TimeSpan.FromSeconds(3), QueueTimeout = TimeSpan.FromSeconds(4), IdleTimeout = TimeSpan.FromSeconds(5), MaxConnections = 6,
            },
            config.Gateway);
        var group = Assert.Single(config.NodeGroups);
        Assert.Equal(("cpu", "m5.large", 0, 2, 100), (group.Name, group.InstanceType, group.MinInstances, group.MaxInstances, group.Priority));
        Assert.Empty(config.IgnoredFields);
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
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:10", "docker.memory_reserve", "docker: {memory_reserve: -1Mi}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:10", "limits.server_log_size", "limits: {server_log_size: 2Ti}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:11", "gateway.queue_timeout", "gateway: {queue_timeout: 25h}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:11", "gateway.max_header_size", "gateway: {max_header_size: 7Ki}")]
    [InlineData("configreader.must_be_less_than_or_equal_to", "1:11", "gateway.max_header_size", "gateway: {max_header_size: 1025Ki}")]
    [InlineData("configreader.must_be_greater_than_or_equal_to", "1:11", "gateway.max_headers", "gateway: {max_headers: 9}")]
    [InlineData("configreader.must_be_defined", "1:15", "node_groups[0].instance_type", "node_groups: [{name: a}]")]
    [InlineData("clusterconfig.duplicate_nodegroup_name", "1:45", "node_groups[1].name", "node_groups: [{name: a, instance_type: t}, {name: a, instance_type: t}]")]
    [InlineData("clusterconfig.min_instances_greater_than_max", "1:43", "node_groups[0].min_instances", "node_groups: [{name: a, instance_type: t, min_instances: 6}]")]
    [InlineData("clusterconfig.node_group_max_instances_is_zero", "1:43", "node_groups[0].max_instances", "node_groups: [{name: a, instance_type: t, max_instances: 0}]")]
    [InlineData("configreader.invalid_primitive_type", "1:1", "telemetry", "telemetry: 'yes'")]
    public void Parse_OneMistake_IsReportedWithKindPlaceAndPath(string kind, string place, string path, string yaml)
    {
        var file = ClusterConfigParser.Parse("cluster.yaml", yaml);

        Assert.Null(file.Config);
        var error = Assert.Single(file.Errors);
        Assert.Equal((kind, place, path), (error.Kind, $"{error.Line}:{error.Column}", error.Path));
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
