using System.Diagnostics;
using System.Net;

namespace Cortex.EndToEnd.Tests;

/// <summary>APIs without a replica, and replicas that are frozen, on the real engine.</summary>
public sealed class ZeroTests : IAsyncLifetime
{
    private const string Quick = "window: 10s, downscale_stabilization_period: 0s";
    private readonly LocalCluster _cluster = new();

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Realtime_AtZero_IsWokenAgainAndAgainWithoutAFailure()
    {
        await _cluster.DeployAsync(Api("sleeps", Quick));
        Assert.Empty(await _cluster.ReplicaContainersAsync());

        for (var round = 0; round < 2; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _cluster.Http.GetAsync(new Uri(_cluster.Apis, "/sleeps"))));

            Assert.All(answers, static answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
            Assert.Contains("activator", answers.SelectMany(static answer => answer.Headers.GetValues("X-Cortex-Origin")));
            using var next = await _cluster.Http.GetAsync(new Uri(_cluster.Apis, "/sleeps"));
            Assert.Equal(["api"], next.Headers.GetValues("X-Cortex-Origin"));
            await Eventually.TrueAsync(async () => (await _cluster.ReplicaContainersAsync()).Count == 0, "it is at zero again");
        }
    }

    [Fact]
    public async Task Realtime_AtZeroAndImageMissing_SaysWhy()
    {
        await _cluster.DeployAsync(Api("broken", Quick, "127.0.0.1:1/nobody/none:1"));

        using var answer = await _cluster.Http.GetAsync(new Uri(_cluster.Apis, "/broken"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.StartsWith("no replica can start: ", text, StringComparison.Ordinal);
        Assert.Contains("connection refused", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Realtime_Frozen_GoesOnAfterAKillOfTheServer()
    {
        await _cluster.DeployAsync(Api("freezes", Quick + ", idle: freeze"));
        var first = await _cluster.CallAsync("/freezes");
        await FrozenAsync("freezes");
        var container = Assert.Single(await _cluster.ContainersAsync("status=paused"));
        Assert.Contains("Frozen", await _cluster.Cli.OkAsync("describe", "freezes"), StringComparison.Ordinal);

        Assert.Equal(first, await _cluster.CallAsync("/freezes"));
        await FrozenAsync("freezes");
        using (var server = Process.GetProcessById(_cluster.ServerProcessId))
        {
            server.Kill();
            await server.WaitForExitAsync();
        }

        await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);
        Assert.Equal([container], await _cluster.ContainersAsync("status=paused"));
        Assert.Equal(first, await _cluster.CallAsync("/freezes"));
        Assert.Equal([container], (await _cluster.ReplicaContainersAsync("status=running")).Intersect([container]));

        await FrozenAsync("freezes");
        await _cluster.DeployAsync(Api("freezes", Quick + ", idle: freeze", version: "2"));
        await Eventually.TrueAsync(async () => !(await _cluster.ContainersAsync()).Contains(container), "the update has removed it");
        Assert.StartsWith("2 ", await _cluster.CallAsync("/freezes"), StringComparison.Ordinal);
        await FrozenAsync("freezes");
        await _cluster.Cli.OkAsync("delete", "freezes", "-f");
        await Eventually.TrueAsync(async () => (await _cluster.ReplicaContainersAsync()).Count == 0, "nothing is left of it");
        Assert.Empty(await Shell.LinesAsync("docker", "volume", "ls", "-q", "--filter", $"label=dev.cortex.cluster={_cluster.Name}"));
    }

    [Fact]
    public async Task Async_AtZero_IsWokenByTheFirstRequestInItsQueue()
    {
        await _cluster.DeployAsync(AsyncCluster.Api("queued", replicas: 0));
        Assert.Empty(await _cluster.ReplicaContainersAsync());

        var done = await _cluster.FinalAsync("queued", await _cluster.SubmitAsync("queued", "hello"));

        Assert.Equal("hello", done.GetProperty("result").GetProperty("said").GetString());
    }

    private Task FrozenAsync(string api) => Eventually.TrueAsync(
        async () => (await _cluster.DescribeAsync(api)).GetProperty("replica_counts") is var counts
            && counts.TryGetProperty("frozen", out var frozen) && frozen.GetInt32() == 1
            && (await _cluster.ContainersAsync("status=paused")).Count == 1,
        $"{api} is frozen");

    private static string Api(string name, string autoscaling, string image = TestImage.Name, string version = "1") => $$"""
        - name: {{name}}
          kind: RealtimeAPI
          pod:
            max_concurrency: 100
            containers:
            - name: api
              image: {{image}}
              env: {APP_VERSION: "{{version}}"}
              compute: {cpu: 50m}
          autoscaling: {min_replicas: 0, init_replicas: 0, {{autoscaling}}}

        """;
}
