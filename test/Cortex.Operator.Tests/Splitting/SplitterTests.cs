using System.Net;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Gateway.Routing;
using Cortex.Routing;
using Cortex.Runtimes.Fake;

namespace Cortex.Operator.Tests.Splitting;

public sealed class SplitterTests
{
    [Fact]
    public async Task Deploy_SplitterWithItsTargets_IsRoutedListedAndShown()
    {
        await using var cluster = await TestCluster.StartAsync();

        var results = await cluster.DeployAsync(Splitter("{name: old, weight: 90}, {name: new, weight: 10}, {name: dark, weight: 5, shadow: true}", "sticky: {cookie: session}") + Apis("old", "new", "dark"));

        Assert.Equal(["creating old (RealtimeAPI)", "creating new (RealtimeAPI)", "creating dark (RealtimeAPI)", "created split (TrafficSplitter)"], results.Select(result => result.Message));
        Assert.Equal("http://apis:8889/split", results[3].Api!.Endpoint);
        await Eventually.TrueAsync(() => cluster.DataPlane.Split("split") is not null, "the splitter is routed");
        var route = cluster.DataPlane.Split("split")!;
        Assert.Equal([new("old", 90, false), new("new", 10, false), new SplitTarget("dark", 5, true)], route.Targets);
        Assert.Equal(("/split", new StickyKey("session", IsCookie: true), null), (route.Endpoint, route.Sticky, route.SlowAfter));

        var listed = (await cluster.GetListAsync("/get"))[^1];
        Assert.Equal(("split", 3, null), (listed.Metadata!.Name, listed.NumTrafficSplitterTargets, listed.Status));
        Assert.Null(listed.Metadata.DeploymentId);
        Assert.Contains("--", listed.Metadata.Id, StringComparison.Ordinal);
        var one = await cluster.GetAsync("/get/split");
        Assert.Null(one.NumTrafficSplitterTargets);
        Assert.Null(one.Status);
        Assert.Equal(one.Spec!.Id, Assert.Single(one.ApiVersions!).ApiId);
        Assert.Equal(
            [new() { Name = "old", Weight = 90, Shadow = false, Requests = 0, Errors = 0 }, new() { Name = "new", Weight = 10, Shadow = false, Requests = 0, Errors = 0 },
                new SplitterTargetStatus { Name = "dark", Weight = 5, Shadow = true, Requests = 0, Errors = 0, Dropped = 0 }],
            one.Splitter!.Targets);
        Assert.Null(one.Splitter.Canary);
        Assert.Equal(one.Splitter.Targets, (await cluster.GetAsync("/describe/split")).Splitter!.Targets);
    }

    [Fact]
    public async Task Deploy_NewWeights_MakeANewVersion()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old", "new") + Splitter("{name: old, weight: 100}"));
        var first = (await cluster.GetAsync("/get/split")).Spec!;

        var same = Assert.Single(await cluster.DeployAsync(Splitter("{name: old, weight: 100}"), force: true));
        var changed = Assert.Single(await cluster.DeployAsync(Splitter("{name: old, weight: 50}, {name: new, weight: 50}")));

        Assert.Equal(("split (TrafficSplitter) is up to date", "updated split (TrafficSplitter)"), (same.Message, changed.Message));
        await Eventually.TrueAsync(() => cluster.DataPlane.Split("split")?.Targets.Count == 2, "the new weights are routed");
        var second = await cluster.GetAsync("/get/split");
        Assert.Equal([second.Spec!.Id, first.Id], second.ApiVersions!.Select(version => version.ApiId));
        Assert.Equal(first.InitialDeploymentTime, second.Spec.InitialDeploymentTime);
        Assert.Equal(100, Assert.Single((await cluster.GetAsync($"/get/split/{first.Id}")).Spec!.Apis!).Weight);
    }

    [Theory]
    [InlineData("{name: nobody, weight: 100}", "there is no RealtimeAPI")]
    [InlineData("{name: queue, weight: 100}", "is a AsyncAPI; a target must be a RealtimeAPI")]
    [InlineData("{name: split, weight: 100}", "is a TrafficSplitter; a target must be a RealtimeAPI")]
    public async Task Deploy_TargetThatIsNoRealtimeApi_IsRefused(string targets, string detail)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync("- {name: queue, kind: AsyncAPI, pod: {containers: [{name: api, image: app}]}}\n");

        using var response = await cluster.PostConfigAsync(Splitter(targets));

        var error = await TestCluster.ErrorAsync(response);
        Assert.Equal("resources.apis_not_deployed", error.Kind);
        Assert.Contains(detail, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_EndpointOfAnother_IsRefusedBothWays()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old") + Splitter("{name: old, weight: 100}"));

        using var splitter = await cluster.PostConfigAsync(Splitter("{name: old, weight: 100}", "networking: {endpoint: /old}", "other"));
        using var api = await cluster.PostConfigAsync(TestCluster.Api("hello", endpoint: "/split"));

        Assert.Equal("spec.duplicate_endpoint", (await TestCluster.ErrorAsync(splitter)).Kind);
        Assert.Equal("spec.duplicate_endpoint", (await TestCluster.ErrorAsync(api)).Kind);
    }

    [Fact]
    public async Task Deploy_OtherKindUnderItsName_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old") + Splitter("{name: old, weight: 100}"));

        var result = Assert.Single(await cluster.DeployAsync(TestCluster.Api("split")));

        Assert.Contains("split is deployed as a TrafficSplitter", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delete_TargetOfASplitter_IsRefusedUntilTheSplitterIsGone()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old") + Splitter("{name: old, weight: 100}"));

        using var refused = await cluster.Client.DeleteAsync(new Uri("/delete/old", UriKind.Relative));
        using var splitter = await cluster.Client.DeleteAsync(new Uri("/delete/split", UriKind.Relative));
        var routedAfterwards = cluster.DataPlane.Split("split");
        using var target = await cluster.Client.DeleteAsync(new Uri("/delete/old", UriKind.Relative));

        var error = await TestCluster.ErrorAsync(refused);
        Assert.Equal("resources.realtime_api_used_by_traffic_splitter", error.Kind);
        Assert.Contains("split", error.Message, StringComparison.Ordinal);
        Assert.Equal("{\"message\":\"deleting split\"}", await splitter.Content.ReadAsStringAsync());
        Assert.Null(routedAfterwards);
        Assert.Equal(HttpStatusCode.OK, target.StatusCode);
    }

    [Theory]
    [InlineData("POST", "/refresh/split")]
    [InlineData("GET", "/logs/split")]
    [InlineData("POST", "/tasks/split")]
    [InlineData("POST", "/batch/split")]
    public async Task Operation_OfOtherKinds_IsRefused(string method, string path)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old") + Splitter("{name: old, weight: 100}"));

        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative));
        using var response = await cluster.Client.SendAsync(request);

        Assert.Equal("resources.operation_is_only_supported_for_kind", (await TestCluster.ErrorAsync(response)).Kind);
    }

    [Fact]
    public async Task Canary_TargetDoesWell_IsPromotedStepByStep()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old", "new") + Canary());

        await WeightAsync(cluster, 10);
        await Eventually.TrueAsync(() => Canary(cluster).Result.Requests == 0, "it is watched");
        Assert.Equal(("progressing", 1, "the step needs 5 requests to new and has seen 0"), await StateAsync(cluster));
        cluster.DataPlane.Count("split", "new", 5);
        await WeightAsync(cluster, 60);
        cluster.DataPlane.Count("split", "new", 10);
        await Eventually.TrueAsync(() => Canary(cluster).Result.Status == "promoted", "it is promoted");

        Assert.Equal([new("old", 40, false), new SplitTarget("new", 60, false)], cluster.DataPlane.Split("split")!.Targets);
        Assert.Equal(TimeSpan.FromMilliseconds(500), cluster.DataPlane.Split("split")!.SlowAfter);
        Assert.Equal([100, 0], (await cluster.GetAsync("/get/split")).Spec!.Apis!.Select(target => target.Weight));
        Assert.Equal([40, 60], (await cluster.GetAsync("/get/split")).Splitter!.Targets.Select(target => target.Weight));
    }

    [Theory]
    [InlineData(3, 0, "3 of 3 requests to new failed; max_error_rate is 0.01")]
    [InlineData(0, 2, "2 of 3 requests to new took longer than 500ms; max_p99 allows 1 of 100")]
    public async Task Canary_TargetBreaksALimit_GoesBackAtOnceAndSaysWhy(long errors, long slow, string reason)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old", "new") + Canary(every: "1h"));
        await WeightAsync(cluster, 10);

        cluster.DataPlane.Count("split", "new", 3, errors, slow);

        await WeightAsync(cluster, 0);
        Assert.Equal(("rolled_back", 1, reason), await StateAsync(cluster));
        Assert.Equal(("rolled_back", 0), ((await cluster.GetAsync("/describe/split")).Splitter!.Canary!.Status, (await cluster.GetListAsync("/get"))[^1].Splitter!.Canary!.Weight));
    }

    [Fact]
    public async Task Canary_TargetNotReady_WaitsForIt()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { ReadyAfter = Timeout.InfiniteTimeSpan };
        await cluster.DeployAsync(Apis("old", "new") + Canary());

        Assert.Equal(("waiting", 0, "waits for a ready replica of new"), await StateAsync(cluster));

        cluster.Machine.Behaviour = new FakeBehaviour();
        await cluster.DeployAsync(TestCluster.Api("new", image: "app:2"), force: true);
        await WeightAsync(cluster, 10);
    }

    [Fact]
    public async Task Canary_Restart_GoesOnWhereItWas()
    {
        await using var first = await TestCluster.StartAsync();
        await first.DeployAsync(Apis("old", "new") + Canary());
        await WeightAsync(first, 10);
        first.DataPlane.Count("split", "new", 5);
        await WeightAsync(first, 60);

        await using var second = await first.RestartAsync();

        Assert.Equal([new("old", 40, false), new SplitTarget("new", 60, false)], second.DataPlane.Split("split")!.Targets);
        Assert.Equal(("progressing", 2), ((await Canary(second)).Status, (await Canary(second)).Step));
        await Eventually.TrueAsync(() => Canary(second).Result.Requests == 0, "the new process watches it");
        second.DataPlane.Count("split", "new", 5, 5);   // the new process counts from nothing
        await WeightAsync(second, 0);
    }

    [Fact]
    public async Task Canary_Ended_StaysSoUntilItIsDeployedWithForce()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old", "new") + Canary(every: "1h"));
        await WeightAsync(cluster, 10);
        cluster.DataPlane.Count("split", "new", 5, 5);
        await WeightAsync(cluster, 0);

        var same = Assert.Single(await cluster.DeployAsync(Canary(every: "1h")));
        Assert.Equal("split (TrafficSplitter) is up to date", same.Message);
        Assert.Equal("rolled_back", (await Canary(cluster)).Status);

        var again = Assert.Single(await cluster.DeployAsync(Canary(every: "1h"), force: true));
        Assert.Equal("updated split (TrafficSplitter)", again.Message);
        await WeightAsync(cluster, 10);
        Assert.Equal(2, (await cluster.GetAsync("/get/split")).ApiVersions!.Count);
    }

    [Fact]
    public async Task Canary_DeployedWithout_HasTheWeightsOfTheFile()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Apis("old", "new") + Canary(every: "1h"));
        await WeightAsync(cluster, 10);

        await cluster.DeployAsync(Splitter("{name: old, weight: 30}, {name: new, weight: 70}"));

        await WeightAsync(cluster, 70);
        Assert.Null((await cluster.GetAsync("/get/split")).Splitter!.Canary);
    }

    private static string Apis(params string[] names) => string.Concat(names.Select(name => TestCluster.Api(name)));

    private static string Splitter(string targets, string more = "", string name = "split") => $"""
        - name: {name}
          kind: {nameof(ApiKind.TrafficSplitter)}
          apis: [{targets}]
          {more}

        """;

    private static string Canary(string every = "1s") =>
        Splitter("{name: old, weight: 100}, {name: new, weight: 0}", $"canary: {{to: new, steps: [10, 60], every: {every}, max_p99: 500ms, min_requests: 5}}");

    private static Task WeightAsync(TestCluster cluster, int weight) => Eventually.TrueAsync(
        () => cluster.DataPlane.Split("split")?.Targets.Single(target => target.Api == "new").Weight == weight, $"new gets {weight} percent");

    private static async Task<CanaryStatus> Canary(TestCluster cluster) => (await cluster.GetAsync("/get/split")).Splitter!.Canary!;

    private static async Task<(string Status, int Step, string Message)> StateAsync(TestCluster cluster)
    {
        var canary = await Canary(cluster);
        return (canary.Status, canary.Step, canary.Message);
    }
}
