using Cortex.Core.Wire;
using Cortex.Gateway;
using Cortex.Routing;

namespace Cortex.Operator.Tests.Scaling;

/// <summary>The autoscaler in a whole operator: from traffic to replicas, and to what people read.</summary>
public sealed class ScalingEndToEndTests
{
    private const string AtOnce = "window: 10s, upscale_stabilization_period: 0s, downscale_stabilization_period: 0s, max_upscale_factor: 10, max_downscale_factor: 0";

    [Fact]
    public async Task Traffic_RisesAndEnds_ReplicasFollowAndDescribeSaysWhy()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("RealtimeAPI", $"{AtOnce}, max_replicas: 4, min_replicas: 0, init_replicas: 1"));
        await cluster.ReadyAsync("hello", 1);

        cluster.DataPlane.Traffic["hello"] = new ApiTraffic(InFlight: 1, Queued: 20);
        await cluster.ReadyAsync("hello", 4);
        var up = await cluster.GetAsync("/describe/hello");
        cluster.DataPlane.Traffic["hello"] = new ApiTraffic(0, 0);
        await cluster.ReadyAsync("hello", 0);
        var down = await cluster.GetAsync("/describe/hello");

        Assert.Equal(4, up.Status!.ReplicaCounts!.Requested);
        var reached = Assert.Single(up.Scaling!, decision => decision is { Current: 1, Requested: 4 });
        Assert.Equal(("max_replicas is 4", 4), (reached.Reason, reached.Recommended));
        Assert.True(reached.Raw > 4, $"{reached}");
        Assert.Equal(0, down.Status!.ReplicaCounts!.Requested);
        Assert.Equal(0, down.Scaling![0].Requested);
        Assert.Null((await cluster.GetAsync("/get/hello")).Scaling);
        Assert.Contains("cortex_autoscaler_scale_ups_total{api_name=\"hello\",api_kind=\"RealtimeAPI\"} ", await cluster.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RealtimeAPI", 2)]
    [InlineData("AsyncAPI", 0)]
    public async Task Deploy_ChangedWhileAtZero_StartsAsManyAsTheKindDoes(string kind, int replicas)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api(kind, "min_replicas: 0, init_replicas: 0"));

        await cluster.DeployAsync(Api(kind, "min_replicas: 0, init_replicas: 2"));

        Assert.Equal(replicas, (await cluster.CountsAsync("hello")).Requested);
    }

    [Fact]
    public async Task Deploy_OtherBounds_ClampsWhatIsWanted()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("RealtimeAPI", "min_replicas: 1, init_replicas: 3"));
        await cluster.ReadyAsync("hello", 3);

        await cluster.DeployAsync(Api("RealtimeAPI", "min_replicas: 1, max_replicas: 2"));
        Assert.Equal(2, (await cluster.CountsAsync("hello")).Requested);
        await cluster.DeployAsync(Api("RealtimeAPI", "min_replicas: 5"), force: true);
        Assert.Equal(5, (await cluster.CountsAsync("hello")).Requested);
    }

    private static string Api(string kind, string autoscaling) => $$"""
        - name: hello
          kind: {{kind}}
          pod: {containers: [{name: api, image: app:1}]}
          autoscaling: {{{autoscaling}}}
        """;
}
