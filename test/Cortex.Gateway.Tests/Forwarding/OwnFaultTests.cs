using Cortex.Gateway.Admission;
using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Gateway.Tests.Forwarding;

/// <summary>A bug of ours is thrown, and told neither as a fault of the replica nor as one of the client.</summary>
public sealed class OwnFaultTests : IDisposable
{
    private readonly PauseWatch _watch = new(TimeProvider.System, NullLogger.Instance);

    public void Dispose() => _watch.Dispose();

    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task Http1_FaultWhileTheAnswerIsPassedOn_IsThrown(string name)
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        var fault = OwnFaults.Make(name);

        Assert.Same(fault, await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(replica, FaultyClient.OfAnswer(fault))));
    }

    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task Http1_FaultWhileTheBodyFlows_IsThrownThoughTheReplicaWaits(string name)
    {
        await using var replica = new RawUpstream(static async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.ReadRestAsync();
        });
        var fault = OwnFaults.Make(name);

        Assert.Same(fault, await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(replica, FaultyClient.OfBody(fault))));
    }

    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task Http1_FaultInATunnel_IsThrownThoughTheReplicaWaits(string name)
    {
        await using var replica = new RawUpstream(static async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
            await connection.ReadRestAsync();
        });
        var fault = OwnFaults.Make(name);

        Assert.Same(fault, await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(replica, FaultyClient.OfTunnel(fault))));
    }

    [Fact]
    public async Task Http1_CancelledThoughTheClientIsThere_IsNotTheReplicasFault()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");

        Assert.Equal(ExchangeOutcome.ClientLeft, (await SendAsync(replica, FaultyClient.OfAnswer(new OperationCanceledException()))).Outcome);
    }

    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task Http2_FaultWhileItConnects_IsThrownAndNotAReplicaThatCannotBeReached(string name)
    {
        await using var replica = RawUpstream.Answering("");
        var time = new FaultyTime { Fault = OwnFaults.Make(name) };
        using var exchange = new Http2Exchange(new UpstreamConnector(new GatewayOptions(), time), new GatewayOptions());

        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(exchange, replica.Address(), FaultyClient.OfAnswer(new InvalidOperationException("not reached"))));

        Assert.Same(time.Fault, thrown.GetBaseException());
    }

    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task Http2_FaultWhileTheAnswerIsPassedOn_IsThrown(string name)
    {
        await using var replica = await AppUpstream.StartAsync(static http => http.Response.WriteAsync("hello"), HttpProtocols.Http2);
        var fault = OwnFaults.Make(name);
        using var exchange = new Http2Exchange(new UpstreamConnector(new GatewayOptions(), TimeProvider.System), new GatewayOptions());

        Assert.Same(fault, await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(exchange, replica.Address(), FaultyClient.OfAnswer(fault))));
    }

    private Task<ExchangeResult> SendAsync(Http2Exchange exchange, ReplicaAddress replica, DefaultHttpContext http) => exchange.SendAsync(
        http, replica, "/api", matched: 4, new ClientPeer("127.0.0.1", false), saysOrigin: false, Patience(http), CancellationToken.None).WithinLimit();

    private async Task<ExchangeResult> SendAsync(RawUpstream replica, DefaultHttpContext http)
    {
        var options = new GatewayOptions();
        var exchange = new Http1Exchange(options, Patience(http), TimeProvider.System);
        exchange.Prepare(http, "/api", matched: 4, new ClientPeer("127.0.0.1", false), "127.0.0.1", saysOrigin: false);
        var pool = new UpstreamPool(replica.Address(), new UpstreamConnector(options, TimeProvider.System));
        return await exchange.SendAsync(pool, await pool.ConnectAsync(CancellationToken.None), new Slot(), CancellationToken.None).AsTask().WithinLimit();
    }

    private ClientPatience Patience(DefaultHttpContext http)
    {
        var patience = new ClientPatience(new GatewayOptions(), _watch, socket: null);
        patience.Begin(http, clientLimit: null, streamLimit: null);
        return patience;
    }
}
