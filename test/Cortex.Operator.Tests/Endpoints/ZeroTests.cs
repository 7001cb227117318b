using Cortex.Runtimes;
using Cortex.Runtimes.Fake;

namespace Cortex.Operator.Tests.Endpoints;

/// <summary>APIs at zero replicas, and replicas that freeze, over a fake machine.</summary>
public sealed class ZeroTests
{
    [Fact]
    public async Task Deploy_InitReplicasZero_StartsNothingUntilItIsAskedFor()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("min_replicas: 0, init_replicas: 0"));
        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello") is { Wakeable: true, Replicas.Count: 0, StartFailure: null }, "it is routed");
        Assert.Empty(cluster.Runtime.List());

        cluster.Awaken("hello");

        await cluster.ReadyAsync("hello", 1);
        Assert.Equal(1, (await cluster.CountsAsync("hello")).Requested);
        cluster.Awaken("hello");
        cluster.Awaken("unknown");
        Assert.Equal(1, cluster.Machine.CreatedCount);
    }

    [Fact]
    public async Task Deploy_MinReplicasOne_IsNotWakeable()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { ImageError = "no such image" };
        await cluster.DeployAsync(TestCluster.Api("hello"));

        await Eventually.TrueAsync(() => cluster.Runtime.List().Any(pod => pod.State == PodState.ErrImagePull), "it can't start");

        Assert.True(cluster.DataPlane.Route("hello") is { Wakeable: false, StartFailure: null });
    }

    [Fact]
    public async Task Awaken_ImageCannotBeHad_RouteSaysWhyUntilItCan()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { ImageError = "manifest unknown" };
        await cluster.DeployAsync(Api("min_replicas: 0, init_replicas: 0"));

        cluster.Awaken("hello");

        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")?.StartFailure == "manifest unknown", "the route says why");
        cluster.Machine.Rebehave(Assert.Single(cluster.Runtime.List()).Id, new FakeBehaviour());
        await cluster.ReadyAsync("hello", 1);
        Assert.Null(cluster.DataPlane.Route("hello")!.StartFailure);
    }

    [Fact]
    public async Task Awaken_NoRoom_RequestsWaitAndMayHearWhy()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { NoRoom = "not enough memory" };
        await cluster.DeployAsync(Api("min_replicas: 0, init_replicas: 0"));

        cluster.Awaken("hello");

        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello") is { StartFailure: null, StartDelay: "not enough memory" }, "the route says what keeps it");
    }

    [Fact]
    public async Task ScaleDown_Freezes_KeepsTheReplicaForTheNextTime()
    {
        await using var cluster = await TestCluster.StartAsync();
        var ids = await FreezeOneAsync(cluster);
        var counts = await cluster.CountsAsync("hello");
        Assert.Equal((1, 1, 1), (counts.Requested, counts.Ready, counts.Frozen));
        var status = (await cluster.GetAsync("/get/hello")).Status!;
        Assert.Equal((1, 1, 1), (status.Ready, status.Requested, status.UpToDate));

        await cluster.DeployAsync(Api("min_replicas: 2, idle: freeze"));

        await cluster.ReadyAsync("hello", 2);
        Assert.Equal(ids, cluster.DataPlane.Route("hello")!.Replicas.Select(replica => replica.Id).Order());
        Assert.Equal(2, cluster.Machine.CreatedCount);
        Assert.Equal(0, (await cluster.CountsAsync("hello")).Frozen);
    }

    [Fact]
    public async Task Restart_WithAFrozenReplica_GoesOnWithIt()
    {
        await using var cluster = await TestCluster.StartAsync();
        var ids = await FreezeOneAsync(cluster);

        await using var next = await cluster.RestartAsync();

        await next.ReadyAsync("hello", 1);
        Assert.Equal(1, (await next.CountsAsync("hello")).Frozen);
        await next.DeployAsync(Api("min_replicas: 2, idle: freeze"));
        await next.ReadyAsync("hello", 2);
        Assert.Equal(ids, next.DataPlane.Route("hello")!.Replicas.Select(replica => replica.Id).Order());
    }

    [Theory]
    [InlineData("min_replicas: 1, idle: remove", "app:1")]
    [InlineData("min_replicas: 1, idle: freeze", "app:2")]
    [InlineData("max_replicas: 1, idle: freeze", "app:1")]
    public async Task Deploy_WithAFrozenReplicaThatIsOfNoUse_RemovesIt(string autoscaling, string image)
    {
        await using var cluster = await TestCluster.StartAsync();
        await FreezeOneAsync(cluster);

        await cluster.DeployAsync(Api(autoscaling, image));

        await Eventually.TrueAsync(() => cluster.Runtime.List() is [{ State: PodState.Ready }], "one replica is left");
    }

    [Fact]
    public async Task Delete_WithAFrozenReplica_RemovesIt()
    {
        await using var cluster = await TestCluster.StartAsync();
        await FreezeOneAsync(cluster);

        using var response = await cluster.Client.DeleteAsync(new Uri("/delete/hello", UriKind.Relative));

        Assert.True(response.IsSuccessStatusCode);
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "nothing is left");
    }

    [Fact]
    public async Task ScaleDown_ReplicaIsBusy_FreezesWhenItHasAnswered()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("min_replicas: 2, idle: freeze"));
        await cluster.ReadyAsync("hello", 2);
        var ids = cluster.Runtime.List().Select(pod => pod.Id).ToList();
        ids.ForEach(cluster.DataPlane.Hold);

        await ScaleDownAsync(cluster);

        await cluster.ReadyAsync("hello", 1);
        Assert.All(cluster.Runtime.List(), static pod => Assert.Equal(PodState.Ready, pod.State));
        ids.ForEach(cluster.DataPlane.LetGo);
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count(pod => pod.State == PodState.Frozen) == 1, "it is frozen");
    }

    [Fact]
    public async Task ScaleDown_ReplicaIsWantedAgainWhileItFinishes_TakesRequestsAtOnce()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("min_replicas: 2, idle: freeze"));
        await cluster.ReadyAsync("hello", 2);
        cluster.Runtime.List().ToList().ForEach(pod => cluster.DataPlane.Hold(pod.Id));
        await ScaleDownAsync(cluster);
        await cluster.ReadyAsync("hello", 1);

        await cluster.DeployAsync(Api("min_replicas: 2, idle: freeze"));

        await cluster.ReadyAsync("hello", 2);
        Assert.Equal(2, cluster.Machine.CreatedCount);
    }

    /// <summary>Two replicas, of which the autoscaler needs only one.</summary>
    private static async Task<IReadOnlyList<string>> FreezeOneAsync(TestCluster cluster)
    {
        await cluster.DeployAsync(Api("min_replicas: 2, idle: freeze"));
        await cluster.ReadyAsync("hello", 2);
        await ScaleDownAsync(cluster);
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count(pod => pod.State == PodState.Frozen) == 1, "one is frozen");
        return [.. cluster.Runtime.List().Select(pod => pod.Id).Order()];
    }

    private static async Task ScaleDownAsync(TestCluster cluster)
    {
        cluster.DataPlane.Traffic["hello"] = default;
        await cluster.DeployAsync(Api("min_replicas: 1, downscale_stabilization_period: 0s, idle: freeze"));
    }

    private static string Api(string autoscaling, string image = "app:1") => $$"""
        - name: hello
          kind: RealtimeAPI
          pod:
            port: 8080
            containers:
            - name: api
              image: {{image}}
          autoscaling: { {{autoscaling}} }
          update_strategy: {max_surge: 1, max_unavailable: 0}

        """;
}
