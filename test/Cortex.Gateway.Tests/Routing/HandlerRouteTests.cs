using System.Net;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Routing;

public abstract class HandlerRouteTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    [Theory]
    [InlineData("/jobs", "handler ")]
    [InlineData("/jobs/", "handler /")]
    [InlineData("/jobs/a%2Fb?c=d", "handler /a%2Fb")]
    [InlineData("/jobs/real", "replica")]
    [InlineData("/jobs/real/x", "replica")]
    [InlineData("/jobs/really", "handler /really")]
    [InlineData("/api", "replica")]
    [InlineData("/api/deep", "deeper ")]
    [InlineData("/api/deep/x", "deeper /x")]
    public async Task Request_EndpointsOfBothKinds_LongestWins(string target, string expected)
    {
        await using var replica = await AppUpstream.StartAsync(http => http.Response.WriteAsync("replica"));
        await using var gateway = await TestGateway.StartAsync();
        gateway.Server.Apply(new GatewayRoutes([Routes.Api("api", 1, 1, replica.Address()), Routes.Api("real", 1, 1, replica.Address()) with { Endpoint = "/jobs/real" }])
        {
            Handlers = [Handler.Route("jobs", "/jobs", Handler.Says("handler")), Handler.Route("deep", "/api/deep", Handler.Says("deeper"))],
        });

        var answer = await gateway.GetRawAsync(target);

        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Contains(expected, answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_HandlerLeaves_Answers404()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Server.Apply(new GatewayRoutes([]) { Handlers = [Handler.Route("jobs", "/jobs", Handler.Says("handler"))] });
        using var before = await gateway.Client.GetAsync("jobs");
        gateway.Server.Apply(new GatewayRoutes([]));

        using var after = await gateway.Client.GetAsync("jobs");

        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, after.StatusCode);
    }

    [Fact]
    public async Task Apply_NewHandlerForTheSameName_KeepsItsCounters()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Server.Apply(new GatewayRoutes([]) { Handlers = [Handler.Route("jobs", "/jobs", Handler.Says("old"))] });
        (await gateway.Client.GetAsync("jobs")).Dispose();
        gateway.Server.Apply(new GatewayRoutes([]) { Handlers = [Handler.Route("jobs", "/jobs", Handler.Says("new"))] });

        var answer = await gateway.Client.GetStringAsync("jobs");

        Assert.Equal("new ", answer);
        await Eventually.TrueAsync(() => Metrics(gateway.Server).Contains("cortex_gateway_requests_total{api_name=\"jobs\",api_kind=\"AsyncAPI\",code=\"2xx\"} 2\n", StringComparison.Ordinal), "both are counted");
    }

    [Fact]
    public async Task Request_Status_IsCountedForItsApi()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Server.Apply(new GatewayRoutes([])
        {
            Handlers = [Handler.Route("jobs", "/jobs", (http, _) =>
            {
                http.Response.StatusCode = StatusCodes.Status409Conflict;
                return Task.CompletedTask;
            })],
        });

        (await gateway.Client.GetAsync("jobs")).Dispose();

        await Eventually.TrueAsync(() => Metrics(gateway.Server).Contains("duration_seconds_count{api_name=\"jobs\",api_kind=\"AsyncAPI\"} 1\n", StringComparison.Ordinal), "it is recorded");
        Assert.Contains("cortex_gateway_requests_total{api_name=\"jobs\",api_kind=\"AsyncAPI\",code=\"4xx\"} 1\n", Metrics(gateway.Server));
        Assert.DoesNotContain("cortex_in_flight_requests{api_name=\"jobs\"", Metrics(gateway.Server));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_HandlerThrows_Answers500AndIsLoggedOnce(bool synchronously)
    {
        using var log = new RecordingLogger();
        await using var server = new GatewayServer(new GatewayOptions(), [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0))], log, TimeProvider.System);
        server.Apply(new GatewayRoutes([])
        {
            Handlers = [Handler.Route("jobs", "/jobs", synchronously
                ? (_, _) => throw new InvalidOperationException("broken on purpose")
                : (_, _) => Task.FromException(new InvalidOperationException("broken on purpose")))],
        });
        await server.StartAsync(CancellationToken.None);
        using var client = new HttpClient { BaseAddress = new Uri($"http://{server.EndPoints[0]}/") };

        using var answer = await client.GetAsync("jobs");

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.StartsWith("error: ", await answer.Content.ReadAsStringAsync());
        var error = Assert.Single(log.Errors);
        Assert.Contains("jobs", error, StringComparison.Ordinal);
        Assert.Contains("broken on purpose", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_HandlerThrowsAfterItsAnswerBegan_BreaksTheConnectionOff()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Server.Apply(new GatewayRoutes([])
        {
            Handlers = [Handler.Route("jobs", "/jobs", async (http, _) =>
            {
                http.Response.ContentLength = 10;
                await http.Response.WriteAsync("half");
                throw new InvalidOperationException("broken on purpose");
            })],
        });
        using var connection = await gateway.SendAsync("GET /jobs HTTP/1.1\r\nHost: test\r\n\r\n");

        var rest = await connection.ReadRestAsync();

        Assert.DoesNotContain("error", rest, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => Metrics(gateway.Server).Contains("cortex_gateway_requests_total{api_name=\"jobs\",api_kind=\"AsyncAPI\",code=\"aborted\"} 1\n", StringComparison.Ordinal), "it counts as aborted");
    }

    [Fact]
    public async Task Request_ClientLeaves_IsNoError()
    {
        using var log = new RecordingLogger();
        await using var server = new GatewayServer(new GatewayOptions(), [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0))], log, TimeProvider.System);
        var waiting = new TaskCompletionSource();
        server.Apply(new GatewayRoutes([])
        {
            Handlers = [Handler.Route("jobs", "/jobs", async (http, _) =>
            {
                waiting.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
            })],
        });
        await server.StartAsync(CancellationToken.None);
        using (var connection = await RawClient.OpenAsync(server.EndPoints[0]))
        {
            await connection.SendAsync("GET /jobs HTTP/1.1\r\nHost: test\r\n\r\n");
            await waiting.Task.WithinLimit();
        }

        await Eventually.TrueAsync(() => Metrics(server).Contains("cortex_gateway_requests_total{api_name=\"jobs\",api_kind=\"AsyncAPI\",code=\"aborted\"} 1\n", StringComparison.Ordinal), "it counts as aborted");
        Assert.Empty(log.Errors);
    }

    private static string Metrics(GatewayServer server)
    {
        var writer = new StringWriter();
        server.WriteMetrics(writer);
        return writer.ToString();
    }
}

public sealed class HandlerRouteOverHttp1Tests() : HandlerRouteTests(isHttp2: false)
{
    [Fact]
    public async Task Request_AmbiguousFraming_NeverReachesTheHandler()
    {
        var reached = false;
        await using var gateway = await TestGateway.StartAsync();
        gateway.Server.Apply(new GatewayRoutes([])
        {
            Handlers = [Handler.Route("jobs", "/jobs", (_, _) =>
            {
                reached = true;
                return Task.CompletedTask;
            })],
        });
        using var connection = await gateway.SendAsync(
            "POST /jobs HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400", await connection.ReadHeadAsync());
        Assert.False(reached);
    }
}

public sealed class HandlerRouteOverHttp2Tests() : HandlerRouteTests(isHttp2: true);
