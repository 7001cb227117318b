using System.Net;
using System.Text.Json;
using Cortex.Async;
using Cortex.Core.Specs;
using Cortex.Routing;
using Cortex.Runtimes.Fake;

namespace Cortex.Operator.Tests.Endpoints;

public sealed class AsyncApiTests
{
    [Fact]
    public async Task Deploy_NewApi_IsHandedToTheDataPlaneWithItsReplicasAndPolicy()
    {
        await using var cluster = await TestCluster.StartAsync();

        var result = Assert.Single(await cluster.DeployAsync(Api("texts", replicas: 2, queue: "{max_attempts: 3, max_payload: 2Mi, timeout: 10m}")));

        Assert.Equal(("creating texts (AsyncAPI)", ""), (result.Message, result.Error));
        Assert.Equal("http://apis:8889/texts", result.Api!.Endpoint);
        await ReadyAsync(cluster, "texts", 2);
        var route = cluster.DataPlane.AsyncRoute("texts")!;
        Assert.Equal(("/texts", 4), (route.Endpoint, route.MaxConcurrency));
        Assert.Equal(new QueuePolicy { MaxAttempts = 3, MaxPayload = 2 << 20, Timeout = TimeSpan.FromMinutes(10) }, route.Policy);
        Assert.Equal(32, Convert.FromBase64String(route.CallbackKey).Length);
        Assert.All(route.Replicas, replica => Assert.Equal(0, replica.Incarnation));
        Assert.Empty(cluster.DataPlane.Routes.Realtime);
        Assert.Equal(("texts", "/texts"), (route.Name, route.Endpoint));

        var api = await cluster.GetAsync("/get/texts");
        Assert.Equal((2, 2, 2), (api.Status!.Ready, api.Status.Requested, api.Status.UpToDate));
        Assert.Equal(3, api.Spec!.Queue!.MaxAttempts);
        Assert.Null(api.CallbackKey);
    }

    [Fact]
    public async Task Deploy_OnlyTheQueueChanged_KeepsReplicasAndKey()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("texts"));
        await ReadyAsync(cluster, "texts", 1);
        var before = cluster.DataPlane.AsyncRoute("texts")!;
        var first = await cluster.GetAsync("/get/texts");

        var result = Assert.Single(await cluster.DeployAsync(Api("texts", queue: "{max_attempts: 7}")));

        Assert.Equal("updating texts (AsyncAPI)", result.Message);
        await Eventually.TrueAsync(() => cluster.DataPlane.AsyncRoute("texts")!.Policy.MaxAttempts == 7, "the policy has changed");
        var after = cluster.DataPlane.AsyncRoute("texts")!;
        Assert.Equal(before.Replicas, after.Replicas);
        Assert.Equal(before.CallbackKey, after.CallbackKey);
        Assert.Equal(1, cluster.Machine.CreatedCount);
        var second = await cluster.GetAsync("/get/texts");
        Assert.NotEqual(first.Spec!.SpecId, second.Spec!.SpecId);
        Assert.Equal((first.Spec.PodId, first.Spec.DeploymentId), (second.Spec.PodId, second.Spec.DeploymentId));
        Assert.Equal("texts (AsyncAPI) is up to date", Assert.Single(await cluster.DeployAsync(Api("texts", queue: "{max_attempts: 7}"))).Message);
    }

    [Fact]
    public async Task Deploy_ChangedPod_DrainsTheOldReplicaThroughTheAsyncService()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("texts"));
        await ReadyAsync(cluster, "texts", 1);
        var old = cluster.DataPlane.AsyncRoute("texts")!.Replicas[0].Id;
        cluster.DataPlane.Hold(old);

        await cluster.DeployAsync(Api("texts", image: "app:2"));

        await Eventually.TrueAsync(() => cluster.DataPlane.AsyncRoute("texts")!.Replicas is [var only] && only.Id != old, "only the new replica takes requests");
        Assert.Contains(cluster.Runtime.List(), pod => pod.Id == old);
        Assert.Equal(1, (await cluster.CountsAsync("texts")).Terminating);
        cluster.DataPlane.LetGo(old);
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 1, "the old one is gone");
        Assert.Equal((old, TimeSpan.FromSeconds(60)), Assert.Single(cluster.DataPlane.Drained));
    }

    [Fact]
    public async Task List_NeedsTheTokenAndAnAsyncApi()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("texts"));

        Assert.StartsWith("""{"requests":[]""", await cluster.Client.GetStringAsync(new Uri("/async/texts?status=failed&limit=7&cursor=7", UriKind.Relative)), StringComparison.Ordinal);
        using var unknown = await cluster.Client.GetAsync(new Uri("/async/other", UriKind.Relative));
        Assert.Equal("resources.api_not_deployed", (await TestCluster.ErrorAsync(unknown)).Kind);
        foreach (var (query, word) in new[] { ("limit=0", "limit"), ("status=lost", "status"), ("cursor=x", "cursor") })
        {
            using var bad = await cluster.Client.GetAsync(new Uri($"/async/texts?{query}", UriKind.Relative));
            var error = await TestCluster.ErrorAsync(bad);
            Assert.Equal("endpoints.invalid_query_param", error.Kind);
            Assert.StartsWith(word, error.Message, StringComparison.Ordinal);
        }

        using var stranger = new HttpClient { BaseAddress = cluster.Client.BaseAddress };
        using var refused = await stranger.GetAsync(new Uri("/async/texts", UriKind.Relative));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task Deploy_WhileUpdating_NeedsForce()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { ReadyAfter = Timeout.InfiniteTimeSpan };
        await cluster.DeployAsync(Api("texts"));

        var refused = Assert.Single(await cluster.DeployAsync(Api("texts", image: "app:2")));
        using var refresh = await cluster.Client.PostAsync(new Uri("/refresh/texts", UriKind.Relative), null);

        Assert.StartsWith("error: texts is still updating", refused.Error, StringComparison.Ordinal);
        Assert.Equal("asyncapi.api_updating", (await TestCluster.ErrorAsync(refresh)).Kind);
        Assert.Equal("texts (AsyncAPI) is already updating", Assert.Single(await cluster.DeployAsync(Api("texts"))).Message);
    }

    [Fact]
    public async Task Replica_ContainerStartsAgain_HasAnotherIncarnation()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("texts"));
        await ReadyAsync(cluster, "texts", 1);
        var replica = cluster.DataPlane.AsyncRoute("texts")!.Replicas[0];

        cluster.Machine.End(replica.Id, "api", exitCode: 1);

        await Eventually.TrueAsync(() => cluster.DataPlane.AsyncRoute("texts")!.Replicas is [{ Incarnation: 1 } again] && again.Id == replica.Id, "it takes requests again");
    }

    [Fact]
    public async Task Describe_ShowsQueueAndCallbackKey()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("texts") + TestCluster.Api("hello"));
        await ReadyAsync(cluster, "texts", 1);
        cluster.DataPlane.Queues["texts"] = new AsyncTraffic(12, 3, 2, DateTimeOffset.UtcNow.AddSeconds(-90));

        var described = await cluster.GetAsync("/describe/texts");

        Assert.Equal((12L, 3L, 2L), (described.Queue!.Waiting, described.Queue.Delayed, described.Queue.InProgress));
        Assert.InRange(described.Queue.OldestWaitingSeconds!.Value, 90, 600);
        Assert.Equal($"whsec_{cluster.DataPlane.AsyncRoute("texts")!.CallbackKey}", described.CallbackKey);
        Assert.Equal(1, described.Status!.ReplicaCounts!.Ready);
        Assert.Equal(12, (await cluster.GetAsync("/get/texts")).Queue!.Waiting);
        Assert.DoesNotContain("\"queue\":", await cluster.Client.GetStringAsync(new Uri("/get/hello", UriKind.Relative)), StringComparison.Ordinal);
        using var list = JsonDocument.Parse(await cluster.Client.GetStringAsync(new Uri("/get", UriKind.Relative)));
        Assert.Equal(["hello", "texts"], list.RootElement.EnumerateArray().Select(api => api.GetProperty("metadata").GetProperty("name").GetString()));
        Assert.StartsWith("""{"waiting":12,"delayed":3,"in_progress":2,"oldest_waiting_seconds":9""", list.RootElement[1].GetProperty("queue").GetRawText(), StringComparison.Ordinal);
        Assert.False(list.RootElement[0].TryGetProperty("queue", out _));
        Assert.DoesNotContain("whsec_", list.RootElement.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_TrafficNotKnownYet_LeavesTheQueueOut()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("texts"));

        Assert.Null((await cluster.GetAsync("/describe/texts")).Queue);
    }

    [Fact]
    public async Task Refresh_ReplacesTheReplicas()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("texts"));
        await ReadyAsync(cluster, "texts", 1);
        var (old, key) = (cluster.DataPlane.AsyncRoute("texts")!.Replicas[0].Id, cluster.DataPlane.AsyncRoute("texts")!.CallbackKey);

        using var response = await cluster.Client.PostAsync(new Uri("/refresh/texts", UriKind.Relative), null);

        Assert.Equal("{\"message\":\"updating texts (AsyncAPI)\"}", await response.Content.ReadAsStringAsync());
        await Eventually.TrueAsync(() => cluster.DataPlane.AsyncRoute("texts")!.Replicas is [var only] && only.Id != old, "a new replica");
        Assert.Equal(key, cluster.DataPlane.AsyncRoute("texts")!.CallbackKey);
    }

    [Fact]
    public async Task Delete_TakesTheApiAwayAndItsKeyWithIt()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("texts"));
        await ReadyAsync(cluster, "texts", 1);
        var key = cluster.DataPlane.AsyncRoute("texts")!.CallbackKey;

        using (var response = await cluster.Client.DeleteAsync(new Uri("/delete/texts?keepCache=true", UriKind.Relative)))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        // Clients must not reach it once they were told that it goes.
        Assert.Empty(cluster.DataPlane.Routes.Async);
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "its replica is gone");
        Assert.Single(cluster.DataPlane.Drained);

        await cluster.DeployAsync(Api("texts"));
        await ReadyAsync(cluster, "texts", 1);
        Assert.NotEqual(key, cluster.DataPlane.AsyncRoute("texts")!.CallbackKey);
    }

    [Fact]
    public async Task Restart_FindsReplicasAndKeyAgain()
    {
        await using var first = await TestCluster.StartAsync();
        await first.DeployAsync(Api("texts", queue: "{max_attempts: 4}"));
        await ReadyAsync(first, "texts", 1);
        var before = first.DataPlane.AsyncRoute("texts")!;

        await using var second = await first.RestartAsync();

        var after = second.DataPlane.AsyncRoute("texts")!;
        Assert.Equal(before.Replicas, after.Replicas);
        Assert.Equal(before.Policy, after.Policy);
        Assert.Equal(before.CallbackKey, after.CallbackKey);
    }

    [Fact]
    public async Task Metrics_HaveTheAsyncServices()
    {
        await using var cluster = await TestCluster.StartAsync();

        Assert.Contains("async_up 1\n", await cluster.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithoutAsyncApis_TellsTheServiceSo()
    {
        await using var cluster = await TestCluster.StartAsync();

        await Eventually.TrueAsync(() => cluster.DataPlane.Applied > 0, "routes");
        Assert.Empty(cluster.DataPlane.Routes.Async);
        Assert.Equal(1, cluster.DataPlane.Applied);
    }

    private static Task ReadyAsync(TestCluster cluster, string api, int replicas) =>
        Eventually.TrueAsync(() => cluster.DataPlane.AsyncRoute(api)?.Replicas.Count == replicas, $"{api} has {replicas} replicas");

    private static string Api(string name, string image = "app:1", int replicas = 1, string queue = "{}") => $$"""
        - name: {{name}}
          kind: {{nameof(ApiKind.AsyncAPI)}}
          pod:
            port: 8080
            max_concurrency: 4
            containers:
            - name: api
              image: {{image}}
          autoscaling: {min_replicas: {{replicas}}, init_replicas: {{replicas}}}
          update_strategy: {max_surge: 1, max_unavailable: 0}
          queue: {{queue}}

        """;
}
