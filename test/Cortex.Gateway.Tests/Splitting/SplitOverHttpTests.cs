using System.Net;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Splitting;

public abstract class SplitOverHttpTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    [Fact]
    public async Task Request_Splitter_SharesRequestsExactlyByWeight()
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new("a", 75, false), new("b", 25, false)));

        var counts = await both.CountsAsync("split", 200);

        Assert.Equal((150, 50), (counts["a"], counts["b"]));
    }

    [Theory]
    [InlineData("/split", "/")]
    [InlineData("/split?x=%2F&y", "/?x=%2F&y")]
    [InlineData("/split/", "/")]
    [InlineData("/split/sub/path?x", "/sub/path?x")]
    public async Task Request_EndpointOrBelow_IsRewrittenAsForAnApi(string target, string expected)
    {
        await using var replica = await AppUpstream.StartAsync(http => http.Response.WriteAsync(http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget));
        await using var gateway = await TestGateway.StartAsync();
        Apply(gateway, [Routes.Api("a", 1, 1, replica.Address())], Routes.Split("split", new SplitTarget("a", 100, false)));

        var answer = await gateway.GetRawAsync(target);

        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Matches($"\r\n{System.Text.RegularExpressions.Regex.Escape(expected)}(\r\n|$)", answer);   // in a chunk or not
        Assert.DoesNotContain("X-Cortex-Origin", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("X-Cortex-Origin: api", await gateway.GetRawAsync("/a"), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("/splitter")]
    [InlineData("/Split")]
    public async Task Request_AnotherPath_Answers404(string target)
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new SplitTarget("a", 100, false)));

        Assert.StartsWith("HTTP/1.1 404", await both.Gateway.GetRawAsync(target));
    }

    [Fact]
    public async Task Request_SplitterWithinAnApi_GoesToTheLongerEndpoint()
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new SplitTarget("b", 100, false)) with { Endpoint = "/a/split" });

        Assert.Equal("b", await both.Gateway.Client.GetStringAsync("a/split/x"));
        Assert.Equal("a", await both.Gateway.Client.GetStringAsync("a/splitter"));
    }

    [Fact]
    public async Task Request_TargetAndShadowAreAsleep_WakesBothAndIsAnswered()
    {
        var awakened = new System.Collections.Concurrent.ConcurrentDictionary<string, bool>();
        var copied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var target = await AppUpstream.StartAsync(http => http.Response.WriteAsync("woken"));
        await using var shadow = await AppUpstream.StartAsync(_ =>
        {
            copied.TrySetResult();
            return Task.CompletedTask;
        });
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions(), other: null, name => awakened[name] = true);
        RealtimeRoute[] asleep = [Routes.Api("a", 1, 1) with { Wakeable = true }, Routes.Api("s", 1, 1) with { Wakeable = true }];
        var split = Routes.Split("split", new("a", 100, false), new("s", 100, true));
        Apply(gateway, asleep, split);

        var asking = gateway.Client.GetAsync("split");
        await Eventually.TrueAsync(() => awakened.Count == 2, "both are awakened");
        Apply(gateway, [asleep[0] with { Replicas = [target.Address("a1")] }, asleep[1] with { Replicas = [shadow.Address("s1")] }], split);

        using var answer = await asking.WithinLimit();
        Assert.Equal("woken", await answer.Content.ReadAsStringAsync());
        Assert.False(answer.Headers.Contains("X-Cortex-Origin"));
        await copied.Task.WithinLimit();
    }

    [Fact]
    public async Task Request_RootEndpoint_TakesWhatNoOtherDoes()
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new SplitTarget("b", 100, false)) with { Endpoint = "/" });

        Assert.Equal("b", await both.Gateway.Client.GetStringAsync("?x"));
        Assert.Equal("b", await both.Gateway.Client.GetStringAsync("x"));
        Assert.Equal("a", await both.Gateway.Client.GetStringAsync("a/x"));
    }

    [Fact]
    public async Task Request_Sticky_StaysWithItsTarget()
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new("a", 50, false), new("b", 50, false)) with { Sticky = new StickyKey("X-User", IsCookie: false) });

        foreach (var user in Enumerable.Range(0, 20).Select(i => $"user-{i}"))
        {
            var answers = new HashSet<string>();
            for (var i = 0; i < 5; i++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "split") { Headers = { { "x-user", user } } };
                using var answer = await both.Gateway.Client.SendAsync(request);
                answers.Add(await answer.Content.ReadAsStringAsync());
            }

            Assert.Single(answers);
        }

        var counts = await both.CountsAsync("split", 100);
        Assert.Equal((50, 50), (counts["a"], counts["b"]));   // those without a key
    }

    [Fact]
    public async Task Request_TargetWithoutReplicas_Answers503()
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new("a", 50, false), new("empty", 50, false)), Routes.Api("empty", 1, 1));

        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 10; i++)
        {
            using var answer = await both.Gateway.Client.GetAsync("split");
            statuses.Add(answer.StatusCode);
        }

        Assert.Equal((5, 5), (statuses.Count(status => status == HttpStatusCode.OK), statuses.Count(status => status == HttpStatusCode.ServiceUnavailable)));
        await Eventually.TrueAsync(() => both.Traffic("empty") is { Requests: 5, Errors: 5 }, "the failures are counted for the target");
        Assert.Equal(0, both.Traffic("a").Errors);
    }

    [Fact]
    public async Task Request_TargetThatTheSnapshotLacks_Answers503()
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new SplitTarget("nobody", 100, false)));

        using var answer = await both.Gateway.Client.GetAsync("split");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("no healthy upstream", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Request_TargetFull_WaitsInTheTargetsOwnQueue()
    {
        var go = new TaskCompletionSource();
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            await go.Task;
            await http.Response.WriteAsync("done");
        });
        await using var gateway = await TestGateway.StartAsync();
        Apply(gateway, [Routes.Api("a", 1, 1, replica.Address())], Routes.Split("split", new SplitTarget("a", 100, false)));

        var first = gateway.Client.GetAsync("split");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("a") is { InFlight: 1 }, "the first is in progress");
        var second = gateway.Client.GetAsync("a");
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("a") is { Queued: 1 }, "the second waits");
        using var third = await gateway.Client.GetAsync("split");
        go.SetResult();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, third.StatusCode);
        Assert.Equal("pending request queue full\n", await third.Content.ReadAsStringAsync());
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], (await Task.WhenAll(first, second)).Select(answer => answer.StatusCode));
    }

    [Fact]
    public async Task Apply_NewWeightsUnderLoad_LosesNoRequest()
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new("a", 100, false), new("b", 0, false)));
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            for (; !stop.IsCancellationRequested; count++)
            {
                using var answer = await both.Gateway.Client.GetAsync("split");
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }

            return count;
        })).ToArray();

        for (var weight = 0; weight <= 100; weight++)
        {
            both.Apply(Routes.Split("split", new("a", 100 - weight, false), new("b", weight, false)));
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();
        var total = (await Task.WhenAll(clients)).Sum();
        await Eventually.TrueAsync(() => both.Traffic("a").Requests + both.Traffic("b").Requests == total, "every request is counted, once");
        Assert.Equal((0, 0), (both.Traffic("a").Errors, both.Traffic("b").Errors));
        var counts = await both.CountsAsync("split", 10);
        Assert.Equal(10, counts["b"]);
    }

    [Fact]
    public async Task Traffic_ErrorsSlowOnesAndBrokenAnswers_AreCountedForTheTarget()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is { } head)
            {
                if (head.Contains("?broken", StringComparison.Ordinal))
                {
                    await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
                    return;
                }

                var status = head.Contains("?bad", StringComparison.Ordinal) ? "500 Broken" : head.Contains("?wrong", StringComparison.Ordinal) ? "404 None" : "200 OK";
                await connection.SendAsync($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            }
        });
        await using var gateway = await TestGateway.StartAsync();
        Apply(gateway, [Routes.Api("a", 1, 1, replica.Address())], Routes.Split("split", new SplitTarget("a", 100, false)) with { SlowAfter = TimeSpan.FromTicks(1) });

        foreach (var query in new[] { "", "?bad", "?wrong" })
        {
            (await gateway.Client.GetAsync("split" + query)).Dispose();
        }

        await Assert.ThrowsAsync<HttpRequestException>(() => gateway.Client.GetStringAsync("split?broken"));

        await Eventually.TrueAsync(() => gateway.Server.GetSplitTraffic("split")[0].Requests == 4, "all are counted");
        Assert.Equal(new SplitTraffic("a", 4, 2, 4, 0), gateway.Server.GetSplitTraffic("split")[0]);
        Assert.Empty(gateway.Server.GetSplitTraffic("nobody"));
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData(1, 1)]
    public async Task Traffic_ClientLeavesWithoutAnAnswer_CountsOnlyWhenItWaitedTooLong(int? slowAfterTicks, int counted)
    {
        await using var replica = await AppUpstream.StartAsync(http => Task.Delay(Timeout.Infinite, http.RequestAborted));
        await using var gateway = await TestGateway.StartAsync();
        TimeSpan? slowAfter = slowAfterTicks is { } ticks ? TimeSpan.FromTicks(ticks) : null;
        Apply(gateway, [Routes.Api("a", 1, 1, replica.Address())], Routes.Split("split", new SplitTarget("a", 100, false)) with { SlowAfter = slowAfter });

        using (await gateway.SendAsync("GET /split HTTP/1.1\r\nHost: x\r\n\r\n"))
        {
            await Eventually.TrueAsync(() => gateway.Server.GetTraffic("a") is { InFlight: 1 }, "it is in progress");
        }

        await Eventually.TrueAsync(() => MetricsOf(gateway).Contains("cortex_gateway_requests_total{api_name=\"split\"", StringComparison.Ordinal), "it is over");
        await Eventually.TrueAsync(() => gateway.Server.GetSplitTraffic("split")[0].Requests == counted, "it is counted, or not");
        Assert.Equal(new SplitTraffic("a", counted, 0, counted, 0), gateway.Server.GetSplitTraffic("split")[0]);
    }

    [Fact]
    public async Task WriteMetrics_Splitter_CountsForItselfAndForItsTargets()
    {
        await using var both = await Both.StartAsync(Routes.Split("split", new("a", 75, false), new("b", 25, false), new("empty", 10, true)), Routes.Api("empty", 1, 1));
        await both.CountsAsync("split", 100);

        await Eventually.TrueAsync(() => both.Traffic("a").Requests + both.Traffic("b").Requests == 100 && both.Traffic("empty").Dropped == 10, "all are counted");
        var writer = new StringWriter();
        both.Gateway.Server.WriteMetrics(writer);
        var text = writer.ToString();

        Assert.Contains("cortex_gateway_requests_total{api_name=\"split\",api_kind=\"TrafficSplitter\",code=\"2xx\"} 100\n", text);
        Assert.Contains("cortex_gateway_requests_total{api_name=\"a\",api_kind=\"RealtimeAPI\",code=\"2xx\"} 75\n", text);
        Assert.Contains("cortex_splitter_weight{api_name=\"split\",api_kind=\"TrafficSplitter\",target=\"a\",shadow=\"false\"} 75\n", text);
        Assert.Contains("cortex_splitter_requests_total{api_name=\"split\",api_kind=\"TrafficSplitter\",target=\"b\",shadow=\"false\"} 25\n", text);
        Assert.Contains("cortex_splitter_errors_total{api_name=\"split\",api_kind=\"TrafficSplitter\",target=\"b\",shadow=\"false\"} 0\n", text);
        Assert.Contains("cortex_splitter_dropped_copies_total{api_name=\"split\",api_kind=\"TrafficSplitter\",target=\"empty\",shadow=\"true\"} 10\n", text);
        var families = text.Split('\n').Where(static line => line.StartsWith("# TYPE", StringComparison.Ordinal)).ToArray();
        Assert.Equal(families.Distinct(), families);
    }

    private static string MetricsOf(TestGateway gateway)
    {
        var writer = new StringWriter();
        gateway.Server.WriteMetrics(writer);
        return writer.ToString();
    }

    private static void Apply(TestGateway gateway, RealtimeRoute[] apis, SplitRoute split) => gateway.Server.Apply(new GatewayRoutes(apis) { Splits = [split] });

    /// <summary>A gateway with the APIs <c>a</c> and <c>b</c>, which answer their names.</summary>
    private sealed class Both : IAsyncDisposable
    {
        private readonly AppUpstream _a;
        private readonly AppUpstream _b;
        private readonly RealtimeRoute[] _apis;

        private Both(TestGateway gateway, AppUpstream a, AppUpstream b, RealtimeRoute[] more)
        {
            (Gateway, _a, _b) = (gateway, a, b);
            _apis = [Routes.Api("a", 100, 100, a.Address()), Routes.Api("b", 100, 100, b.Address()), .. more];
        }

        public TestGateway Gateway { get; }

        public static async Task<Both> StartAsync(SplitRoute split, params RealtimeRoute[] more)
        {
            var both = new Both(await TestGateway.StartAsync(), await AppUpstream.StartAsync(http => http.Response.WriteAsync("a")), await AppUpstream.StartAsync(http => http.Response.WriteAsync("b")), more);
            both.Apply(split);
            return both;
        }

        public void Apply(SplitRoute split) => SplitOverHttpTests.Apply(Gateway, _apis, split);

        public SplitTraffic Traffic(string target) => Gateway.Server.GetSplitTraffic("split").Single(traffic => traffic.Api == target);

        public async Task<Dictionary<string, int>> CountsAsync(string path, int requests)
        {
            var counts = new Dictionary<string, int> { ["a"] = 0, ["b"] = 0 };
            for (var i = 0; i < requests; i++)
            {
                counts[await Gateway.Client.GetStringAsync(path)]++;
            }

            return counts;
        }

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            await _a.DisposeAsync();
            await _b.DisposeAsync();
        }
    }
}

public sealed class SplitOverHttp1Tests() : SplitOverHttpTests(isHttp2: false);

public sealed class SplitOverHttp2Tests() : SplitOverHttpTests(isHttp2: true);
