using Cortex.Gateway.Tests.Support;

namespace Cortex.Gateway.Tests.Metrics;

public sealed class MetricsTests
{
    [Fact]
    public async Task WriteMetrics_AfterRequests_CountsThem()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is { } head)
            {
                await connection.SendAsync($"HTTP/1.1 {(head.Contains("/bad", StringComparison.Ordinal) ? 404 : 200)} X\r\nContent-Length: 0\r\n\r\n");
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()), Routes.Api("empty", 1, 1));
        for (var i = 0; i < 3; i++)
        {
            (await gateway.Client.GetAsync("api")).Dispose();
        }

        (await gateway.Client.GetAsync("api/bad")).Dispose();
        (await gateway.Client.GetAsync("empty")).Dispose();
        await Eventually.TrueAsync(() => Text(gateway).Contains("duration_seconds_count{api_name=\"empty\",api_kind=\"RealtimeAPI\"} 1\n", StringComparison.Ordinal), "all are recorded");

        var text = Text(gateway);

        Assert.Contains("# TYPE cortex_in_flight_requests gauge\n", text);
        Assert.Contains("cortex_in_flight_requests{api_name=\"api\",api_kind=\"RealtimeAPI\",container=\"proxy\"} 0\n", text);
        Assert.Contains("cortex_gateway_requests_total{api_name=\"api\",api_kind=\"RealtimeAPI\",code=\"2xx\"} 3\n", text);
        Assert.Contains("cortex_gateway_requests_total{api_name=\"api\",api_kind=\"RealtimeAPI\",code=\"4xx\"} 1\n", text);
        Assert.Contains("cortex_gateway_requests_total{api_name=\"empty\",api_kind=\"RealtimeAPI\",code=\"5xx\"} 1\n", text);
        Assert.Contains("cortex_gateway_rejected_requests_total{api_name=\"empty\",api_kind=\"RealtimeAPI\",reason=\"no_replica\"} 1\n", text);
        Assert.Contains("cortex_gateway_request_duration_seconds_bucket{api_name=\"api\",api_kind=\"RealtimeAPI\",le=\"+Inf\"} 4\n", text);
        Assert.Contains("cortex_gateway_request_duration_seconds_count{api_name=\"api\",api_kind=\"RealtimeAPI\"} 4\n", text);
    }

    [Fact]
    public async Task WriteMetrics_Families_AreEachInOnePiece()
    {
        await using var gateway = await TestGateway.StartAsync(Routes.Api("a", 1, 1), Routes.Api("b", 1, 1));

        var families = Text(gateway).Split('\n').Where(static line => line.StartsWith("# TYPE", StringComparison.Ordinal)).ToArray();

        Assert.Equal(families.Distinct(), families);
        Assert.Equal(5, families.Length);
    }

    private static string Text(TestGateway gateway)
    {
        var writer = new StringWriter();
        gateway.Server.WriteMetrics(writer);
        return writer.ToString();
    }
}
