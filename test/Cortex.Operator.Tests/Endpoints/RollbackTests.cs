using System.Net;
using System.Text.Json;
using Cortex.Core.Wire;
using Cortex.Runtimes.Fake;

namespace Cortex.Operator.Tests.Endpoints;

public sealed class RollbackTests
{
    private const string Task1 = """
        - name: work
          kind: TaskAPI
          pod:
            containers:
            - {name: c, image: "work:1", command: [run]}
        """;

    private const string Async1 = """
        - name: queued
          kind: AsyncAPI
          pod:
            containers:
            - {name: c, image: "work:1"}
          queue: {max_attempts: 7}
        """;

    [Fact]
    public async Task Rollback_NoId_DeploysTheVersionBefore()
    {
        await using var cluster = await TestCluster.StartAsync();
        await DeployAsync(cluster, "app:1");
        var first = (await cluster.GetAsync("/get/hello")).Spec!;
        await DeployAsync(cluster, "app:2");
        var before = cluster.DataPlane.Route("hello")!.Replicas;

        var result = await RollbackAsync(cluster, "hello");

        Assert.Equal(($"rolling back hello (RealtimeAPI) to {first.Id}", ""), (result.Message, result.Error));
        Assert.Equal("http://apis:8889/hello", result.Api!.Endpoint);
        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")!.Replicas is [var replica] && replica != before[0], "a replica of the first version");
        var now = (await cluster.GetAsync("/get/hello")).Spec!;
        Assert.Equal(("app:1", first.SpecId, first.PodId, first.InitialDeploymentTime), (now.Pod!.Containers[0].Image, now.SpecId, now.PodId, now.InitialDeploymentTime));
        Assert.True(string.CompareOrdinal(now.Id, first.Id) < 0, "its id is newer");
        Assert.True(now.LastUpdated >= first.LastUpdated);
        Assert.Equal(3, (await cluster.GetAsync("/get/hello")).ApiVersions!.Count);
    }

    [Fact]
    public async Task Rollback_Twice_IsBackWhereItBegan()
    {
        await using var cluster = await TestCluster.StartAsync();
        await DeployAsync(cluster, "app:1");
        await DeployAsync(cluster, "app:2");
        await RollbackAsync(cluster, "hello", force: true);

        await RollbackAsync(cluster, "hello", force: true);

        Assert.Equal("app:2", (await cluster.GetAsync("/get/hello")).Spec!.Pod!.Containers[0].Image);
    }

    [Fact]
    public async Task Rollback_VersionsOfARefresh_ArePassedOver()
    {
        await using var cluster = await TestCluster.StartAsync();
        await DeployAsync(cluster, "app:1");
        await DeployAsync(cluster, "app:2");
        using (var refreshed = await cluster.Client.PostAsync(new Uri("/refresh/hello?force=true", UriKind.Relative), null))
        {
            Assert.Equal(HttpStatusCode.OK, refreshed.StatusCode);
        }

        await RollbackAsync(cluster, "hello", force: true);

        Assert.Equal("app:1", (await cluster.GetAsync("/get/hello")).Spec!.Pod!.Containers[0].Image);
    }

    [Fact]
    public async Task Rollback_Id_DeploysThatVersion()
    {
        await using var cluster = await TestCluster.StartAsync();
        await DeployAsync(cluster, "app:1");
        var first = (await cluster.GetAsync("/get/hello")).Spec!;
        await DeployAsync(cluster, "app:2");
        await DeployAsync(cluster, "app:3");

        await RollbackAsync(cluster, "hello", first.Id);

        Assert.Equal("app:1", (await cluster.GetAsync("/get/hello")).Spec!.Pod!.Containers[0].Image);
    }

    [Fact]
    public async Task Rollback_WantedCountIsWithinTheEarlierBounds_KeepsIt()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello", replicas: 1));
        await cluster.ReadyAsync("hello", 1);
        await cluster.DeployAsync(TestCluster.Api("hello", replicas: 3));
        await cluster.ReadyAsync("hello", 3);

        await RollbackAsync(cluster, "hello");

        Assert.Equal((1L, 3), ((await cluster.GetAsync("/get/hello")).Spec!.Autoscaling!.MinReplicas, (await cluster.CountsAsync("hello")).Requested));
    }

    [Fact]
    public async Task Rollback_TaskApi_IsUpdated()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Task1);
        await cluster.DeployAsync(Task1.Replace("work:1", "work:2", StringComparison.Ordinal));

        var result = await RollbackAsync(cluster, "work");

        Assert.StartsWith("rolling back work (TaskAPI) to ", result.Message, StringComparison.Ordinal);
        Assert.Equal("work:1", (await cluster.GetAsync("/get/work")).Spec!.Pod!.Containers[0].Image);
    }

    [Fact]
    public async Task Rollback_AsyncApi_IsUpdated()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Async1);
        await cluster.DeployAsync(Async1.Replace("work:1", "work:2", StringComparison.Ordinal), force: true);

        var result = await RollbackAsync(cluster, "queued", force: true);

        Assert.StartsWith("rolling back queued (AsyncAPI) to ", result.Message, StringComparison.Ordinal);
        var now = (await cluster.GetAsync("/get/queued")).Spec!;
        Assert.Equal(("work:1", 7L), (now.Pod!.Containers[0].Image, now.Queue!.MaxAttempts));
    }

    [Fact]
    public async Task Rollback_Splitter_HasTheEarlierWeights()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("old") + TestCluster.Api("new") + Splitter("{name: old, weight: 100}"));
        await cluster.DeployAsync(Splitter("{name: old, weight: 40}, {name: new, weight: 60}"));

        var result = await RollbackAsync(cluster, "split");

        Assert.StartsWith("rolling back split (TrafficSplitter) to ", result.Message, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => cluster.DataPlane.Split("split")?.Targets.Count == 1, "requests go to one target");
        Assert.Equal(("old", 100), Assert.Single((await cluster.GetAsync("/get/split")).Spec!.Apis!) is var target ? (target.Name, target.Weight) : default);
    }

    [Fact]
    public async Task Rollback_SplitterWhoseTargetIsGone_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("old") + TestCluster.Api("new") + Splitter("{name: old, weight: 100}"));
        await cluster.DeployAsync(Splitter("{name: new, weight: 100}"));
        using var deleted = await cluster.Client.DeleteAsync(new Uri("/delete/old", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);

        using var response = await PostAsync(cluster, "split");

        Assert.Contains("old", (await TestCluster.ErrorAsync(response)).Message, StringComparison.Ordinal);
        Assert.Equal("new", Assert.Single((await cluster.GetAsync("/get/split")).Spec!.Apis!).Name);
    }

    [Fact]
    public async Task Rollback_WhileUpdating_NeedsForce()
    {
        await using var cluster = await TestCluster.StartAsync();
        await DeployAsync(cluster, "app:1");
        cluster.Machine.Behaviour = new FakeBehaviour { ReadyAfter = Timeout.InfiniteTimeSpan };
        await cluster.DeployAsync(TestCluster.Api("hello", "app:2"));

        using var refused = await PostAsync(cluster, "hello");
        Assert.Equal("realtimeapi.api_updating", (await TestCluster.ErrorAsync(refused)).Kind);

        await RollbackAsync(cluster, "hello", force: true);
        Assert.Equal("app:1", (await cluster.GetAsync("/get/hello")).Spec!.Pod!.Containers[0].Image);
    }

    [Fact]
    public async Task Rollback_BrokenVersion_NeedsNoForce()
    {
        await using var cluster = await TestCluster.StartAsync();
        await DeployAsync(cluster, "app:1");
        cluster.Machine.Behaviour = new FakeBehaviour { ImageError = "pull access denied" };
        await cluster.DeployAsync(TestCluster.Api("hello", "app:missing"));
        await UntilAsync(cluster, counts => counts.ErrImagePull == 1);

        await RollbackAsync(cluster, "hello");

        await UntilAsync(cluster, counts => counts is { Ready: 1, ErrImagePull: 0, ReadyOutOfDate: 0 });
        Assert.Equal(2, cluster.Machine.CreatedCount);
    }

    [Theory]
    [InlineData("hello", "", "resources.no_earlier_version")]
    [InlineData("hello", "6f1a7a6d7a6d7a6d-abc-def", "resources.api_id_not_found")]
    [InlineData("none", "", "resources.api_not_deployed")]
    public async Task Rollback_NowhereToGo_IsRefused(string name, string apiId, string kind)
    {
        await using var cluster = await TestCluster.StartAsync();
        await DeployAsync(cluster, "app:1");

        using var response = await PostAsync(cluster, name, apiId);

        Assert.Equal(kind, (await TestCluster.ErrorAsync(response)).Kind);
    }

    [Fact]
    public async Task Rollback_SameVersion_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync();
        await DeployAsync(cluster, "app:1");
        var id = (await cluster.GetAsync("/get/hello")).Spec!.Id;

        using var response = await PostAsync(cluster, "hello", id);

        Assert.Equal("resources.version_already_deployed", (await TestCluster.ErrorAsync(response)).Kind);
    }

    [Fact]
    public async Task Rollback_EndpointTakenMeanwhile_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(TestCluster.Api("hello", endpoint: "/one"));
        await cluster.ReadyAsync("hello", 1);
        await cluster.DeployAsync(TestCluster.Api("hello", endpoint: "/two"));
        await cluster.DeployAsync(TestCluster.Api("other", endpoint: "/one"));

        using var response = await PostAsync(cluster, "hello");

        var error = await TestCluster.ErrorAsync(response);
        Assert.Equal("spec.duplicate_endpoint", error.Kind);
        Assert.Contains("/one is the endpoint of other", error.Message, StringComparison.Ordinal);
        Assert.Equal("/two", (await cluster.GetAsync("/get/hello")).Spec!.Networking.Endpoint);
    }

    [Fact]
    public async Task Rollback_WithoutTheToken_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync();
        using var anonymous = new HttpClient { BaseAddress = cluster.Url };

        using var response = await anonymous.PostAsync(new Uri("/rollback/hello", UriKind.Relative), null);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private static string Splitter(string targets) => $"""
        - name: split
          kind: TrafficSplitter
          apis: [{targets}]

        """;

    private static async Task DeployAsync(TestCluster cluster, string image)
    {
        var before = cluster.DataPlane.Route("hello")?.Replicas ?? [];
        await cluster.DeployAsync(TestCluster.Api("hello", image));
        await Eventually.TrueAsync(() => cluster.DataPlane.Route("hello")?.Replicas is [var replica] && !before.Contains(replica), $"a replica of {image}");
        await UntilAsync(cluster, counts => counts is { Ready: 1, ReadyOutOfDate: 0 });
    }

    private static async Task UntilAsync(TestCluster cluster, Func<ReplicaCounts, bool> condition)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        ReplicaCounts counts;
        while (!condition(counts = await cluster.CountsAsync("hello")))
        {
            Assert.True(DateTime.UtcNow < deadline, $"never came to be; there are {counts}");
            await Task.Delay(5);
        }
    }

    private static async Task<DeployResult> RollbackAsync(TestCluster cluster, string name, string apiId = "", bool force = false)
    {
        using var response = await PostAsync(cluster, name, apiId, force);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        return Assert.Single(JsonSerializer.Deserialize(body, WireJson.Contract.IReadOnlyListDeployResult)!);
    }

    private static Task<HttpResponseMessage> PostAsync(TestCluster cluster, string name, string apiId = "", bool force = false) =>
        cluster.Client.PostAsync(new Uri($"/rollback/{name}?apiID={apiId}&force={(force ? "true" : "false")}", UriKind.Relative), null);
}
