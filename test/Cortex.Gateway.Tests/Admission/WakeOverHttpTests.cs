using System.Collections.Concurrent;
using System.Net;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Admission;

/// <summary>An API without a replica, as clients see it.</summary>
public abstract class WakeOverHttpTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    private readonly ConcurrentQueue<string> _awakened = new();

    [Fact]
    public async Task Request_ApiAsleep_WakesItAndIsAnsweredByTheNewReplica()
    {
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            using var body = new StreamReader(http.Request.Body);
            await http.Response.WriteAsync($"{http.Request.Path} {await body.ReadToEndAsync()}");
        });
        await using var gateway = await StartAsync();
        using var content = new StringContent("hello");
        var asking = gateway.Client.PostAsync("api/sub", content);
        await Eventually.TrueAsync(() => !_awakened.IsEmpty, "it is awakened");
        Assert.Equal("api", _awakened.First());
        Assert.Equal(new ApiTraffic(0, 1), gateway.Server.GetTraffic("api"));

        gateway.Server.Apply(Routes.Snapshot(Asleep() with { Replicas = [replica.Address()] }));

        using var answer = await asking.WithinLimit();
        Assert.Equal("/sub hello", await answer.Content.ReadAsStringAsync());
        Assert.Equal(["activator"], answer.Headers.GetValues("X-Cortex-Origin"));
        using var next = await gateway.Client.GetAsync("api");
        Assert.Equal(["api"], next.Headers.GetValues("X-Cortex-Origin"));
    }

    [Fact]
    public async Task Request_ReplicaCannotStart_Is503ThatSaysWhy()
    {
        await using var gateway = await StartAsync();
        var asking = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => !_awakened.IsEmpty, "it is awakened");

        gateway.Server.Apply(Routes.Snapshot(Asleep() with { StartFailure = "manifest for app:9 not found" }));

        using var answer = await asking.WithinLimit();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("no replica can start: manifest for app:9 not found\n", await answer.Content.ReadAsStringAsync());
        Assert.False(answer.Headers.Contains("X-Cortex-Origin"));
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter!.Delta);
        var metrics = new StringWriter();
        gateway.Server.WriteMetrics(metrics);
        Assert.Contains("reason=\"cannot_start\"} 1\n", metrics.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_NoReplicaInTime_Is503ThatSaysWhatKeepsIt()
    {
        await using var gateway = await StartAsync(new GatewayOptions { WakeTimeout = TimeSpan.FromMilliseconds(50) }, Asleep() with { StartDelay = "pulling image app:9" });

        using var answer = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("no replica became ready in time: pulling image app:9\n", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Request_TooManyWait_IsContracts503()
    {
        await using var gateway = await StartAsync(new GatewayOptions(), Routes.Api("api", 1, 1) with { Wakeable = true });
        _ = gateway.Client.GetAsync("api");
        _ = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 2), "two wait");

        using var answer = await gateway.Client.GetAsync("api");

        Assert.Equal("pending request queue full\n", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Request_BodiesOfThoseWhoWaitAreTooLarge_IsRefused()
    {
        await using var gateway = await StartAsync(new GatewayOptions { WakeBuffer = 1 << 20 }, Asleep());
        using var first = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 1), "the first waits");

        using var second = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\nx");

        Assert.StartsWith("HTTP/1.1 503 ", await second.ReadHeadAsync());
        _ = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 2), "one without a body waits");
    }

    [Fact]
    public async Task Client_LeavesWhileApiWakes_ItsPlaceIsFree()
    {
        await using var gateway = await StartAsync();
        using (await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n"))
        {
            await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 1), "it waits");
        }

        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "the place is free");
    }

    [Fact]
    public async Task Request_IsAProbe_IsAnsweredWithoutWakingTheApi()
    {
        await using var gateway = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "api") { Headers = { { "X-Cortex-Probe", "yes" } } };

        using var answer = await gateway.Client.SendAsync(request);

        Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        Assert.Empty(_awakened);
    }

    [Fact]
    public async Task Requests_WhileTheOnlyReplicaComesAndGoes_NoneFails()
    {
        await using var replica = await AppUpstream.StartAsync(http => http.Response.WriteAsync("ok"));
        await using var gateway = await StartAsync();
        using var done = new CancellationTokenSource();
        var changes = Task.Run(async () =>
        {
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                gateway.Server.Apply(Routes.Snapshot(i % 2 == 0 ? Asleep() with { Replicas = [replica.Address($"r{i}")] } : Asleep()));
                await Task.Delay(3);
            }
        });

        var asking = Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var i = 0; i < 50; i++)
            {
                Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
            }
        });
        await Task.WhenAll(asking).WithinLimit();

        await done.CancelAsync();
        await changes;
        Assert.NotEmpty(_awakened);
    }

    private static RealtimeRoute Asleep() => Routes.Api("api", 4, 100) with { Wakeable = true };

    private Task<TestGateway> StartAsync() => StartAsync(new GatewayOptions(), Asleep());

    private Task<TestGateway> StartAsync(GatewayOptions options, RealtimeRoute api) =>
        TestGateway.StartAsync(options, other: null, _awakened.Enqueue, api);
}

public sealed class WakeOverHttp1Tests() : WakeOverHttpTests(isHttp2: false);

public sealed class WakeOverHttp2Tests() : WakeOverHttpTests(isHttp2: true);
