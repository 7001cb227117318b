using Cortex.Gateway.Tests.Support;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Forwarding;

/// <summary>Everything goes wrong at once, and the gateway's books still balance.</summary>
public abstract class ChaosTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    [Fact]
    public async Task Requests_ReplicasAndClientsFailAtRandom_NoSlotIsLostOrGivenTwice()
    {
        const int MaxConcurrency = 4;
        await using var replica = new RawUpstream(async connection =>
        {
            var random = new Random(connection.GetHashCode());
            while (await connection.ReadHeadAsync() is not null)
            {
                switch (random.Next(8))
                {
                    case 0:
                        return;
                    case 1:
                        connection.Reset();
                        return;
                    case 2:
                        await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
                        return;
                    case 3:
                        await connection.SendAsync("nonsense\r\n\r\n");
                        return;
                    case 4:
                        await connection.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
                        break;
                    default:
                        await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                        break;
                }
            }
        });
        var dead = Routes.Replica("dead", port: 1);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", MaxConcurrency, 1000, replica.Address("a"), dead));
        var whole = 0;
        using var done = new CancellationTokenSource();
        var changes = Task.Run(async () =>
        {
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                gateway.Server.Apply(Routes.Snapshot(
                    Routes.Api("api", MaxConcurrency, 1000, i % 2 == 0 ? [replica.Address("a")] : [replica.Address("a"), dead])));
                Assert.InRange(gateway.Server.GetTraffic("api")!.Value.InFlight, 0, 2 * MaxConcurrency);
                await Task.Delay(1);
            }
        });

        await Task.WhenAll(Enumerable.Range(0, 24).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 60; i++)
            {
                using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                if (random.Next(4) == 0)
                {
                    client.Reset();
                }
                else if ((await client.ReadRestAsync()).Contains("ok", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref whole);
                }
            }
        }))).WithinLimit();
        await done.CancelAsync();
        await changes;

        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "all slots are free");
        Assert.InRange(whole, 1, 24 * 60);
    }
}

public sealed class ChaosOverHttp1Tests() : ChaosTests(isHttp2: false);

public sealed class ChaosOverHttp2Tests() : ChaosTests(isHttp2: true);
