using System.Net;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Admission;

/// <summary>Slots and the queue, as clients see them.</summary>
public abstract class QueueOverHttpTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    [Fact]
    public async Task Requests_AHundredAtOnce_NeverExceedMaxConcurrencyPerReplica()
    {
        var (now, worst) = (new int[2], new int[2]);
        await using var a = await AppUpstream.StartAsync(http => CountAsync(http, 0));
        await using var b = await AppUpstream.StartAsync(http => CountAsync(http, 1));
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 3, 100, a.Address("a"), b.Address("b")));

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => gateway.Client.GetAsync("api"))).WithinLimit();

        Assert.All(answers, static answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.All(worst, static w => Assert.InRange(w, 1, 3));
        Assert.Equal(new ApiTraffic(0, 0), gateway.Server.GetTraffic("api"));

        async Task CountAsync(HttpContext http, int replica)
        {
            var count = Interlocked.Increment(ref now[replica]);
            int seen;
            while ((seen = worst[replica]) < count && Interlocked.CompareExchange(ref worst[replica], count, seen) != seen)
            {
            }

            await Task.Delay(5);
            Interlocked.Decrement(ref now[replica]);
            await http.Response.WriteAsync("ok");
        }
    }

    [Fact]
    public async Task Request_QueueFull_IsContracts503()
    {
        var release = new TaskCompletionSource();
        await using var replica = await AppUpstream.StartAsync(_ => release.Task.WithinLimit());
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        var running = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 0), "one runs");
        var waiting = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 1), "one waits");

        using var refused = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("pending request queue full\n", await refused.Content.ReadAsStringAsync());
        Assert.Equal("text/plain; charset=utf-8", refused.Content.Headers.ContentType!.ToString());
        Assert.Equal(["nosniff"], refused.Headers.GetValues("X-Content-Type-Options"));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter!.Delta);
        Assert.False(refused.Headers.Contains("X-Cortex-Origin"));
        release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await running.WithinLimit()).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await waiting.WithinLimit()).StatusCode);
    }

    [Fact]
    public async Task Request_ExpectsContinueButQueueIsFull_IsRefusedWithoutBody()
    {
        var release = new TaskCompletionSource();
        await using var replica = await AppUpstream.StartAsync(_ => release.Task.WithinLimit());
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 0, replica.Address()));
        var running = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 0), "one runs");

        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 503 ", await client.ReadHeadAsync());
        release.SetResult();
        await running.WithinLimit();
    }

    [Fact]
    public async Task Request_NoReplica_IsContracts503()
    {
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1));

        using var answer = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("no healthy upstream", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Request_WaitsTooLong_Is503ThatSaysSo()
    {
        var release = new TaskCompletionSource();
        await using var replica = await AppUpstream.StartAsync(_ => release.Task.WithinLimit());
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { QueueTimeout = TimeSpan.FromMilliseconds(100) }, Routes.Api("api", 1, 1, replica.Address()));
        var running = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 0), "one runs");

        using var late = await gateway.Client.GetAsync("api");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
        Assert.Equal("no replica became free in time\n", await late.Content.ReadAsStringAsync());
        release.SetResult();
        await running.WithinLimit();
    }

    [Fact]
    public async Task Client_LeavesQueue_ItsPlaceIsFreeAndReplicaNeverSeesIt()
    {
        var release = new TaskCompletionSource();
        var requests = 0;
        await using var replica = await AppUpstream.StartAsync(_ =>
        {
            Interlocked.Increment(ref requests);
            return release.Task.WithinLimit();
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        var running = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 0), "one runs");
        using (await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n"))
        {
            await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 1), "one waits");
        }

        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 0), "the place is free");
        release.SetResult();
        await running.WithinLimit();
        Assert.Equal(1, requests);
    }

    [Fact]
    public async Task Requests_Waiting_AreServedInArrivalOrder()
    {
        var release = new SemaphoreSlim(0);
        var order = new List<string>();
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            await release.WaitAsync();
            order.Add(http.Request.Path);
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 100, replica.Address()));
        var all = new List<Task>();
        for (var i = 0; i < 30; i++)
        {
            all.Add(gateway.Client.GetAsync($"api/{i:00}"));
            await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") is { } traffic && traffic.InFlight + traffic.Queued == all.Count, "it arrived");
        }

        release.Release(30);
        await Task.WhenAll(all).WithinLimit();

        Assert.Equal(Enumerable.Range(0, 30).Select(static i => $"/{i:00}"), order);
    }

    [Fact]
    public async Task Drain_ReplicaBusy_CompletesWithItsLastAnswer()
    {
        var release = new TaskCompletionSource();
        await using var old = await AppUpstream.StartAsync(async http =>
        {
            await release.Task.WithinLimit();
            await http.Response.WriteAsync("old");
        });
        await using var fresh = await AppUpstream.StartAsync(http => http.Response.WriteAsync("new"));
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, old.Address("old")));
        var running = gateway.Client.GetStringAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 0), "one runs");
        var waiting = gateway.Client.GetStringAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 1), "one waits");

        gateway.Server.Apply(Routes.Snapshot(Routes.Api("api", 1, 1, fresh.Address("new"))));
        var drain = gateway.Server.DrainAsync("old", TestContext.Current.CancellationToken);

        Assert.Equal("new", await waiting.WithinLimit());
        Assert.False(drain.IsCompleted);
        release.SetResult();
        await drain.WithinLimit();
        Assert.Equal("old", await running.WithinLimit());
    }

    [Fact]
    public async Task Api_RemovedWhileRequestsWait_TheyGet404()
    {
        var release = new TaskCompletionSource();
        await using var replica = await AppUpstream.StartAsync(_ => release.Task.WithinLimit());
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        var running = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 0), "one runs");
        var waiting = gateway.Client.GetAsync("api");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(1, 1), "one waits");

        gateway.Server.Apply(Routes.Snapshot());

        Assert.Equal(HttpStatusCode.NotFound, (await waiting.WithinLimit()).StatusCode);
        Assert.Equal(new ApiTraffic(1, 0), gateway.Server.GetTraffic("api"));
        release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await running.WithinLimit()).StatusCode);
        gateway.Server.Apply(Routes.Snapshot());
        Assert.Null(gateway.Server.GetTraffic("api"));
    }
}

public sealed class QueueOverHttp1Tests() : QueueOverHttpTests(isHttp2: false);

public sealed class QueueOverHttp2Tests() : QueueOverHttpTests(isHttp2: true);
