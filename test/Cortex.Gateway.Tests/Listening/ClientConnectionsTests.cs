using System.Net;
using System.Net.Sockets;
using Cortex.Gateway.Listening;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Gateway.Tests.Listening;

/// <summary>Nobody is shut out by connections that nobody uses.</summary>
public sealed class ClientConnectionsTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void TryEnter_AllAreTaken_OldestIdleMakesRoom()
    {
        var clients = Clients(max: 3, perAddress: 3);
        var (busy, oldest, newer) = (Enter(clients, "10.0.0.1"), Enter(clients, "10.0.0.2"), Enter(clients, "10.0.0.3"));
        busy.Feature!.Begin();

        Assert.NotNull(Enter(clients, "10.0.0.4").Feature);

        Assert.Equal((false, true, false), (busy.Context.IsAborted, oldest.Context.IsAborted, newer.Context.IsAborted));
        Assert.Equal(3, clients.Count);
    }

    [Fact]
    public void TryEnter_RequestsCameAndWent_IdleTimeCountsFromTheLast()
    {
        var clients = Clients(max: 2, perAddress: 2);
        var (used, unused) = (Enter(clients, "10.0.0.1"), Enter(clients, "10.0.0.2"));
        used.Feature!.Begin();
        used.Feature.Begin();   // as HTTP/2 does
        _time.Advance(TimeSpan.FromSeconds(1));
        used.Feature.End();
        used.Feature.End();

        Enter(clients, "10.0.0.3");

        Assert.Equal((false, true), (used.Context.IsAborted, unused.Context.IsAborted));
    }

    [Fact]
    public void TryEnter_AddressHasItsShare_OnlyItsOwnMakeRoom()
    {
        var clients = Clients(max: 10, perAddress: 2);
        var (other, own) = (Enter(clients, "10.0.0.1"), Enter(clients, "10.0.0.2"));
        Enter(clients, "10.0.0.2");

        Assert.NotNull(Enter(clients, "10.0.0.2").Feature);

        Assert.Equal((false, true), (other.Context.IsAborted, own.Context.IsAborted));
    }

    [Fact]
    public void TryEnter_NoneIsIdle_IsRefused()
    {
        var clients = Clients(max: 3, perAddress: 2);
        Enter(clients, "10.0.0.1").Feature!.Begin();
        Enter(clients, "10.0.0.1").Feature!.Begin();
        Assert.Null(Enter(clients, "10.0.0.1").Feature);
        Enter(clients, "10.0.0.2").Feature!.Begin();

        Assert.Null(Enter(clients, "10.0.0.3").Feature);
        Assert.Equal(3, clients.Count);
    }

    [Fact]
    public void TryEnter_OneNetworkOfIPv6_IsOneClient()
    {
        var clients = Clients(max: 10, perAddress: 1);
        var first = Enter(clients, "2001:db8:0:1::1");

        Enter(clients, "2001:db8:0:1:ffff::2");
        Enter(clients, "2001:db8:0:2::1");

        Assert.True(first.Context.IsAborted);
        Assert.Equal(2, clients.Count);
    }

    [Fact]
    public void TryEnter_TrustedProxy_IsBoundedOnlyInAll()
    {
        var clients = Clients(max: 3, perAddress: 1, "10.0.0.0/8");

        for (var i = 0; i < 3; i++)
        {
            var proxy = Enter(clients, i == 0 ? "::ffff:10.0.0.1" : "10.0.0.1");
            Assert.NotNull(proxy.Feature);
            proxy.Feature.Begin();
        }

        Assert.Equal(3, clients.Count);
        Assert.Null(Enter(clients, "10.0.0.1").Feature);
    }

    [Fact]
    public async Task ConnectionClosed_Any_IsForgotten()
    {
        var clients = Clients(max: 1, perAddress: 1);
        var (context, feature) = Enter(clients, "10.0.0.1");
        feature!.Begin();

        await context.CloseAsync();

        Assert.Equal(0, clients.Count);
        Assert.NotNull(Enter(clients, "10.0.0.1").Feature);
    }

    [Theory]
    [InlineData(50, 1000)]
    [InlineData(1000, 50)]
    public async Task Gateway_IdleConnectionsOfOneAddress_ShutNobodyOut(int max, int perAddress)
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { MaxConnections = max, MaxConnectionsPerAddress = perAddress }, Routes.Api("api", 10, 10, replica.Address()));
        List<RawConnection> idle = [];
        for (var i = 0; i < 150; i++)
        {
            idle.Add(await RawClient.OpenAsync(gateway.EndPoint));
        }

        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
        idle.ForEach(static connection => connection.Dispose());
    }

    [Fact]
    public async Task Gateway_IdleConnectionsMakeRoom_LogsNoError()
    {
        using var log = new RecordingLogger();
        await using var server = new GatewayServer(
            new GatewayOptions { MaxConnections = 10 }, [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0))], log, TimeProvider.System);
        await server.StartAsync(TestContext.Current.CancellationToken);
        List<RawConnection> idle = [];
        for (var i = 0; i < 50; i++)
        {
            idle.Add(await RawClient.OpenAsync(server.EndPoints[0]));
        }

        // The first has made room long before the last came.
        Assert.Equal("", await idle[0].ReadRestAsync());
        Assert.Empty(log.Errors);
        idle.ForEach(static connection => connection.Dispose());
    }

    [Fact]
    public async Task Gateway_OtherConnectionsAreBusy_NewOneIsClosed()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");   // never ends
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { MaxConnections = 1 }, Routes.Api("api", 1, 1, replica.Address()));
        using var first = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await first.ReadHeadAsync());

        Assert.Equal("", await RefusedAsync(gateway.EndPoint));
    }

    private static async Task<string> RefusedAsync(IPEndPoint endPoint)
    {
        try
        {
            using var connection = await RawClient.OpenAsync(endPoint);
            return await connection.ReadRestAsync();
        }
        catch (SocketException)
        {
            return "";   // reset before the test saw that it was open
        }
    }

    private ClientConnections Clients(int max, int perAddress, params string[] trusted) =>
        new(max, perAddress, new Networks(trusted), _time, NullLogger.Instance);

    private (Connection Context, ClientConnection? Feature) Enter(ClientConnections clients, string address)
    {
        var context = new Connection { RemoteEndPoint = new IPEndPoint(IPAddress.Parse(address), 1) };
        _time.Advance(TimeSpan.FromMilliseconds(1));
        return (context, clients.TryEnter(context));
    }

    private sealed class Connection : DefaultConnectionContext
    {
        private readonly CancellationTokenSource _closed = new();

        public Connection() => ConnectionClosed = _closed.Token;

        public bool IsAborted { get; private set; }

        public override void Abort(ConnectionAbortedException abortReason) => IsAborted = true;

        public Task CloseAsync() => _closed.CancelAsync();
    }
}
