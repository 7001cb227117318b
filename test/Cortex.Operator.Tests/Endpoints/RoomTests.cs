using System.Text.Json;
using Cortex.Core.Clusters;
using Cortex.Runtimes;

namespace Cortex.Operator.Tests.Endpoints;

/// <summary>A machine that is full, and one that is divided into node groups.</summary>
public sealed class RoomTests
{
    private static readonly ClusterConfig _groups = new()
    {
        NodeGroups =
        [
            new NodeGroup { Name = "cpu", InstanceType = "m5.large", Priority = 10, Resources = new NodeGroupResources(400, 8L << 30, null) },
            new NodeGroup { Name = "gpu", InstanceType = "g4dn.xlarge", Resources = new NodeGroupResources(600, null, 1) },
        ],
    };

    [Fact]
    public async Task Deploy_MoreReplicasThanFit_SomeWaitAndTheRestIsNotMade()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.CpuMillis = 400;

        await cluster.DeployAsync(TestCluster.Api("hello", replicas: 50));
        await cluster.ReadyAsync("hello", 2);
        await UntilAsync(cluster, "hello", 10);

        var status = (await cluster.GetAsync("/describe/hello")).Status!;
        Assert.Equal((50, 2, 10), (status.ReplicaCounts!.Requested, status.ReplicaCounts.Ready, status.ReplicaCounts.Pending));
        Assert.Equal(12, cluster.Machine.CreatedCount);
        Assert.Equal(
            ["10 replicas pending: not enough cpu: wants 200m, 0m of 400m are free", "38 more replicas are created as soon as those that wait have room"],
            status.Reasons);

        // Room that comes is used at once, also for those that were not made before.
        cluster.Machine.CpuMillis = 6000;
        await cluster.ReadyAsync("hello", 30);
    }

    [Fact]
    public async Task Deploy_MachineIsFullOfAnotherApi_GetsTheNextRoom()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.CpuMillis = 400;
        await cluster.DeployAsync(TestCluster.Api("many", replicas: 50));
        await cluster.ReadyAsync("many", 2);
        await UntilAsync(cluster, "many", 10);
        await cluster.DeployAsync(TestCluster.Api("other"));
        await UntilAsync(cluster, "other", 1);

        cluster.Machine.Remove(cluster.DataPlane.Route("many")!.Replicas[0].Id);

        await cluster.ReadyAsync("other", 1);
    }

    [Fact]
    public async Task Deploy_NodeGroups_ReplicasTakeTheirShares()
    {
        await using var cluster = await StartAsync();

        await cluster.DeployAsync(Api("hello", replicas: 3, "[cpu]"));
        await cluster.ReadyAsync("hello", 2);
        await UntilAsync(cluster, "hello", 1);

        var status = (await cluster.GetAsync("/describe/hello")).Status!;
        Assert.Equal("1 replica pending: node group cpu: not enough cpu: wants 200m, 0m of 400m are free", Assert.Single(status.Reasons!));
        Assert.Equal([KeyValuePair.Create("cpu", 2)], status.ReplicaCounts!.NodeGroups!);
        using var info = JsonDocument.Parse(await cluster.Client.GetStringAsync(new Uri("/info", UriKind.Relative)));
        var nodes = info.RootElement.GetProperty("worker_node_infos");
        Assert.Equal(
            ["cpu m5.large 2 400m/400m 8192Mi", "gpu g4dn.xlarge 0 0m/600m 16384Mi"],
            nodes.EnumerateArray().Select(node => $"{Text(node, "nodegroup_name")} {Text(node, "instance_type")} {node.GetProperty("num_replicas")} "
                + $"{Text(node.GetProperty("compute_user_requested"), "cpu")}/{Text(node.GetProperty("compute_user_capacity"), "cpu")} {Text(node.GetProperty("compute_user_capacity"), "mem")}"));
        Assert.Single(nodes.EnumerateArray().Select(node => Text(node, "name")).Distinct());
    }

    [Fact]
    public async Task Deploy_NoNodeGroups_TakesThePreferredOneFirst()
    {
        await using var cluster = await StartAsync();

        await cluster.DeployAsync(Api("hello", replicas: 4, "null"));
        await cluster.ReadyAsync("hello", 4);

        Assert.Equal(
            [KeyValuePair.Create("cpu", 2), KeyValuePair.Create("gpu", 2)],
            (await cluster.CountsAsync("hello")).NodeGroups!.OrderBy(group => group.Key));
    }

    [Fact]
    public async Task Deploy_OtherNodeGroups_MovesTheReplicas()
    {
        await using var cluster = await StartAsync();
        await cluster.DeployAsync(Api("hello", replicas: 1, "[cpu]"));
        await cluster.ReadyAsync("hello", 1);
        var before = cluster.DataPlane.Route("hello")!.Replicas[0];

        await cluster.DeployAsync(Api("hello", replicas: 1, "[gpu]"));

        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")!.Replicas is [var replica] && replica != before, "a replica on the other group");
        await Eventually.TrueAsync(() => cluster.Runtime.List() is [{ NodeGroup: "gpu" }], "the old one is gone");
    }

    [Theory]
    [InlineData("[cpu]", "500m", "cpu          m5.large        400m   8Gi")]
    [InlineData("null", "700m", "gpu          g4dn.xlarge     600m   16Gi")]
    public async Task Deploy_PodLargerThanItsNodeGroups_IsRefused(string groups, string cpu, string row)
    {
        await using var cluster = await StartAsync();

        using var response = await cluster.PostConfigAsync(Api("hello", 1, groups).Replace("image: app:1", $"image: app:1\n      compute: {{cpu: {cpu}}}", StringComparison.Ordinal));

        var error = await TestCluster.ErrorAsync(response);
        Assert.Equal("resources.no_available_node_compute_limit", error.Kind);
        Assert.Contains(row, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_UnknownNodeGroup_IsRefused()
    {
        await using var cluster = await StartAsync();

        using var response = await cluster.PostConfigAsync(Api("hello", 1, "[tpu]"));

        Assert.Contains("there is no node group \"tpu\"; the cluster has cpu and gpu", (await TestCluster.ErrorAsync(response)).Message, StringComparison.Ordinal);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static string Api(string name, int replicas, string groups) => $"{TestCluster.Api(name, replicas: replicas).TrimEnd()}\n  node_groups: {groups}\n";

    private static async Task<TestCluster> StartAsync()
    {
        var cluster = await TestCluster.StartAsync(_groups);
        cluster.Machine.NodeGroups = [new NodeGroupShare("cpu", 10, 400, 8L << 30), new NodeGroupShare("gpu", 1, 600, null, 1)];
        return cluster;
    }

    private static Task UntilAsync(TestCluster cluster, string api, int waiting) => Eventually.TrueAsync(
        () => cluster.Runtime.List().Count(pod => pod.Labels[PodLabels.ApiName] == api && pod.State == PodState.Pending) == waiting, $"{waiting} replicas of {api} wait");
}
