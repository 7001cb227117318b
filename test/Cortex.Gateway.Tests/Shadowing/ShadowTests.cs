using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Tests.Shadowing;

public abstract class ShadowTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    [Theory]
    [InlineData("GET", null, false)]
    [InlineData("HEAD", null, false)]
    [InlineData("POST", "", false)]
    [InlineData("POST", "short", false)]
    [InlineData("PUT", "short, in chunks", true)]
    [InlineData("DELETE", "with a body", false)]
    public async Task Request_Shadow_GetsTheSameRequest(string method, string? body, bool chunked)
    {
        await using var pair = await Pair.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), "split?q=%2F") { Headers = { { "X-Own", "value" }, { "X-Request-ID", "id-1" } } };
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "text/x-own");
        request.Headers.TransferEncodingChunked = chunked;

        using var answer = await pair.Gateway.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var copy = await pair.CopyAsync();
        Assert.Equal((method, "/?q=%2F", body ?? ""), (copy.Method, copy.Target, copy.Body));
        Assert.Equal(("value", "id-1"), (copy.Headers["X-Own"], copy.Headers["X-Request-ID"]));
        Assert.Equal($"127.0.0.1-shadow:{pair.Gateway.EndPoint.Port}", copy.Headers["Host"]);
        Assert.Equal("127.0.0.1", copy.Headers["X-Forwarded-For"]);
        Assert.Equal(body?.Length > 0 ? "text/x-own; charset=utf-8" : copy.Headers.GetValueOrDefault("Content-Type"), copy.Headers.GetValueOrDefault("Content-Type"));
    }

    [Fact]
    public async Task Request_LongBody_IsCopiedWhole()
    {
        await using var pair = await Pair.StartAsync(new GatewayOptions { ShadowMaxBody = 1 << 20 });
        var body = new byte[1 << 20];
        new Random(1).NextBytes(body);

        foreach (var chunked in new[] { false, true })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "split") { Content = new ByteArrayContent(body) };
            request.Headers.TransferEncodingChunked = chunked;
            using var answer = await pair.Gateway.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(body, (await pair.CopyAsync()).Bytes);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_BodyOverTheLimit_IsAnsweredAndNotCopied(bool chunked)
    {
        await using var pair = await Pair.StartAsync(new GatewayOptions { ShadowMaxBody = 100_000 });
        using var request = new HttpRequestMessage(HttpMethod.Post, "split") { Content = new ByteArrayContent(new byte[100_001]) };
        request.Headers.TransferEncodingChunked = chunked;

        using var answer = await pair.Gateway.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("100001", await answer.Content.ReadAsStringAsync());
        await Eventually.TrueAsync(() => pair.Shadow is { Dropped: 1, Requests: 0 }, "the copy is counted as dropped");
        Assert.Empty(pair.Copies);
    }

    [Fact]
    public async Task Request_ShadowHangs_IsAnsweredAllTheSameUntilMemoryIsTakenAndFreeAfterwards()
    {
        var hang = new TaskCompletionSource();
        await using var pair = await Pair.StartAsync(new GatewayOptions { ShadowMemory = 64 << 10 }, shadow: _ => hang.Task);
        var content = new byte[10_000];

        for (var i = 0; i < 20; i++)
        {
            using var answer = await pair.Gateway.Client.PostAsync("split", new ByteArrayContent(content));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        // 64 KiB hold four copies of 10,000 bytes with their overhead.
        await Eventually.TrueAsync(() => pair.Shadow.Dropped == 16, "16 were dropped");
        hang.SetResult();
        await Eventually.TrueAsync(() => pair.Shadow.Requests == 4, "the four that were under way are done");
        using var last = await pair.Gateway.Client.PostAsync("split", new ByteArrayContent(content));
        await Eventually.TrueAsync(() => pair.Shadow.Requests == 5, "there is room again");
    }

    [Fact]
    public async Task Request_ShadowSlow_IsNotDelayed()
    {
        await using var pair = await Pair.StartAsync(new GatewayOptions { ShadowTimeout = TimeSpan.FromMilliseconds(200) }, shadow: http => Task.Delay(Timeout.Infinite, http.RequestAborted));
        var watch = Stopwatch.StartNew();

        for (var i = 0; i < 50; i++)
        {
            (await pair.Gateway.Client.GetAsync("split")).Dispose();
        }

        // One after another behind a shadow that takes 200 ms each would be 10 s.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"took {watch.Elapsed}");
        await Eventually.TrueAsync(() => pair.Shadow.Requests + pair.Shadow.Dropped == 50, "the copies were given up, or had no room");
        Assert.Equal(pair.Shadow.Requests, pair.Shadow.Errors);
        Assert.True(pair.Shadow.Requests >= Pair.ShadowConcurrency, $"{pair.Shadow}");
        await Eventually.TrueAsync(() => pair.Gateway.Server.GetTraffic("s") is { InFlight: 0, Queued: 0 }, "their slots are free");
    }

    [Fact]
    public async Task Request_ShadowBroken_IsAnswered()
    {
        await using var shadow = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("nonsense\r\n\r\n");
        });
        await using var pair = await Pair.StartAsync(shadowAddress: shadow.Address("s1"));

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("0", await pair.Gateway.Client.GetStringAsync("split"));
        }

        await Eventually.TrueAsync(() => pair.Shadow is { Requests: 10, Errors: 10 }, "the failures are the shadow's");
        await Eventually.TrueAsync(() => pair.Primary == new SplitTraffic("p", 10, 0, 0, 0), "none is the target's");
    }

    [Fact]
    public async Task Request_ShadowUnreachable_IsAnswered()
    {
        await using var pair = await Pair.StartAsync(shadowAddress: Routes.Replica("s1"));

        Assert.Equal("0", await pair.Gateway.Client.GetStringAsync("split"));

        await Eventually.TrueAsync(() => pair.Shadow is { Requests: 1, Errors: 1 }, "the failure is the shadow's");
    }

    [Fact]
    public async Task Request_ShadowFull_DropsCopiesAndKeepsTheLimit()
    {
        var most = 0;
        var now = 0;
        var go = new TaskCompletionSource();
        await using var pair = await Pair.StartAsync(shadow: async _ =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref now));
            await go.Task;
            Interlocked.Decrement(ref now);
        });

        for (var i = 0; i < 50; i++)
        {
            (await pair.Gateway.Client.GetAsync("split")).Dispose();
        }

        await Eventually.TrueAsync(() => pair.Shadow.Dropped == 50 - Pair.ShadowConcurrency - Pair.ShadowQueue, "the rest had no room");
        go.SetResult();
        await Eventually.TrueAsync(() => pair.Shadow.Requests == Pair.ShadowConcurrency + Pair.ShadowQueue, "those that waited are answered");
        Assert.Equal(Pair.ShadowConcurrency, most);
    }

    [Fact]
    public async Task Request_PrimaryAnswersBeforeTheBodyEnds_DropsTheCopy()
    {
        await using var primary = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 413 Too large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        });
        await using var pair = await Pair.StartAsync(primaryAddress: primary.Address("p1"));
        using var connection = await pair.Gateway.SendAsync("POST /split HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\npart");

        Assert.StartsWith("HTTP/1.1 413", await connection.ReadHeadAsync());
        await Eventually.TrueAsync(() => pair.Shadow is { Dropped: 1, Requests: 0 }, "half a request is no copy");
    }

    [Fact]
    public async Task Request_Upgrade_IsNotCopied()
    {
        await using var pair = await Pair.StartAsync(primary: async http =>
        {
            using var socket = await http.WebSockets.AcceptWebSocketAsync();
            await socket.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        });
        using var client = new System.Net.WebSockets.ClientWebSocket();

        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{pair.Gateway.EndPoint.Port}/split"), TestContext.Current.CancellationToken);
        await client.ReceiveAsync(new byte[10], TestContext.Current.CancellationToken);

        Assert.Equal(1, pair.Shadow.Dropped);
    }

    [Fact]
    public async Task Request_PartOfThemShadowed_CopiesExactlyThatPart()
    {
        await using var pair = await Pair.StartAsync(percent: 20);

        for (var i = 0; i < 100; i++)
        {
            (await pair.Gateway.Client.GetAsync("split")).Dispose();
        }

        await Eventually.TrueAsync(() => (pair.Primary.Requests, pair.Shadow.Requests) == (100, 20), "20 of 100");
    }

    [Fact]
    public async Task Answer_OfTheShadow_IsReadWholeAndItsConnectionUsedAgain()
    {
        await using var shadow = RawUpstream.Answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        await using var pair = await Pair.StartAsync(shadowAddress: shadow.Address("s1"));

        for (var i = 1; i <= 5; i++)
        {
            (await pair.Gateway.Client.GetAsync("split")).Dispose();
            await Eventually.TrueAsync(() => pair.Shadow.Requests == i, "the copy is answered");
        }

        Assert.Equal((5, 0), (pair.Shadow.Requests, pair.Shadow.Errors));
        Assert.True(shadow.Connections < 5, $"{shadow.Connections} connections for 5 copies");
    }

    [Fact]
    public async Task Dispose_CopiesUnderWay_AreGivenUp()
    {
        var pair = await Pair.StartAsync(shadow: http => Task.Delay(Timeout.Infinite, http.RequestAborted));
        (await pair.Gateway.Client.GetAsync("split")).Dispose();
        await Eventually.TrueAsync(() => pair.Gateway.Server.GetTraffic("s") is { InFlight: 1 }, "a copy is under way");

        await pair.DisposeAsync();

        await Eventually.TrueAsync(() => pair.Gateway.Server.GetTraffic("s") is null or { InFlight: 0 }, "it was given up");
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen)
        {
        }
    }

    private sealed record Copy(string Method, string Target, Dictionary<string, string> Headers, byte[] Bytes)
    {
        public string Body => Encoding.UTF8.GetString(Bytes);
    }

    /// <summary>A gateway with a splitter over the API <c>p</c>, which answers the length of what it got, and the shadow <c>s</c>.</summary>
    private sealed class Pair : IAsyncDisposable
    {
        public const int ShadowConcurrency = 8;
        public const int ShadowQueue = 4;
        private readonly AppUpstream _primary;
        private readonly AppUpstream _shadow;

        private Pair(TestGateway gateway, AppUpstream primary, AppUpstream shadow, ConcurrentQueue<Copy> copies) =>
            (Gateway, _primary, _shadow, Copies) = (gateway, primary, shadow, copies);

        public TestGateway Gateway { get; }

        public ConcurrentQueue<Copy> Copies { get; }

        public SplitTraffic Primary => Gateway.Server.GetSplitTraffic("split").Single(traffic => traffic.Api == "p");

        public SplitTraffic Shadow => Gateway.Server.GetSplitTraffic("split").Single(traffic => traffic.Api == "s");

        public static async Task<Pair> StartAsync(
            GatewayOptions? options = null, RequestDelegate? primary = null, RequestDelegate? shadow = null, ReplicaAddress? primaryAddress = null, ReplicaAddress? shadowAddress = null, int percent = 100)
        {
            var copies = new ConcurrentQueue<Copy>();
            var first = await AppUpstream.StartAsync(primary ?? AnswerLengthAsync);
            var second = await AppUpstream.StartAsync(shadow ?? (http => RememberAsync(http, copies)));
            var pair = new Pair(await TestGateway.StartAsync(options ?? new GatewayOptions()), first, second, copies);
            pair.Gateway.Server.Apply(new GatewayRoutes(
                [
                    Routes.Api("p", 100, 100, primaryAddress ?? first.Address("p1")),
                    Routes.Api("s", shadow is null ? 100 : ShadowConcurrency, shadow is null ? 100 : ShadowQueue, shadowAddress ?? second.Address("s1")),
                ])
            {
                Splits = [Routes.Split("split", new("p", 100, false), new("s", percent, true))],
            });
            return pair;
        }

        public async Task<Copy> CopyAsync()
        {
            Copy? copy = null;
            await Eventually.TrueAsync(() => Copies.TryDequeue(out copy), "the shadow gets a copy");
            return copy!;
        }

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            await _primary.DisposeAsync();
            await _shadow.DisposeAsync();
        }

        private static async Task AnswerLengthAsync(HttpContext http)
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            await http.Response.WriteAsync($"{body.Length}");
        }

        private static async Task RememberAsync(HttpContext http, ConcurrentQueue<Copy> copies)
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            copies.Enqueue(new Copy(
                http.Request.Method, http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
                http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray()));
        }
    }
}

public sealed class ShadowOverHttp1Tests() : ShadowTests(isHttp2: false);

public sealed class ShadowOverHttp2Tests() : ShadowTests(isHttp2: true);
