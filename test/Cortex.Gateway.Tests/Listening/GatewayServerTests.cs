using System.Net;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Gateway.Tests.Listening;

public sealed class GatewayServerTests
{
    [Fact]
    public async Task StartAsync_PortTaken_SaysWhichAndLeavesNothingBehind()
    {
        await using var first = await TestGateway.StartAsync();
        await using var second = new GatewayServer(
            new GatewayOptions(),
            [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0)), new GatewayListener(first.EndPoint)],
            NullLoggerFactory.Instance,
            TimeProvider.System);

        var error = await Assert.ThrowsAsync<IOException>(() => second.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains($"port {first.EndPoint.Port} is taken", error.Message);
        await Assert.ThrowsAnyAsync<Exception>(() => RawClient.OpenAsync(second.EndPoints[0]));
    }

    [Fact]
    public void Constructor_BadOptions_NamesThem()
    {
        var error = Assert.Throws<ArgumentException>(() => new GatewayServer(
            new GatewayOptions { MaxHeaders = 0, MaxConnections = 0 }, [], NullLoggerFactory.Instance, TimeProvider.System));

        Assert.Contains("MaxHeaders", error.Message);
        Assert.Contains("MaxConnections", error.Message);
    }

    [Fact]
    public async Task OtherApplication_ItsHost_GetsTheRequest()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\napi");
        var other = new OtherApplication(
            static http => http.Request.Host.Host == "operator",
            static http =>
            {
                Thread.Sleep(10);   // its handlers may block
                return http.Response.WriteAsync("operator" + http.Request.Path);
            });
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions(), other, Routes.Api("api", 1, 1, replica.Address()));
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/x");
        request.Headers.Host = "operator:80";

        using var answer = await gateway.Client.SendAsync(request);

        Assert.Equal("operator/api/x", await answer.Content.ReadAsStringAsync());
        Assert.Equal("api", await gateway.Client.GetStringAsync("api"));
    }

    [Fact]
    public async Task StopAsync_RequestInProgress_IsFinishedFirst()
    {
        var (arrived, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            arrived.SetResult();
            await release.Task.WithinLimit();
            await http.Response.WriteAsync("done");
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        var running = gateway.Client.GetStringAsync("api");
        await arrived.Task.WithinLimit();

        using var bound = new CancellationTokenSource(Eventually.Limit);
        var stopping = gateway.Server.StopAsync(bound.Token);
        await Eventually.TrueAsync(() => CannotConnect(gateway.EndPoint), "nothing listens");
        Assert.False(stopping.IsCompleted);
        release.SetResult();

        Assert.Equal("done", await running.WithinLimit());
        await stopping.WithinLimit();
    }

    [Fact]
    public async Task StopAsync_RequestHangs_IsAbortedAtTheBound()
    {
        var arrived = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            arrived.SetResult();
            await connection.ReadRestAsync();
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");
        await arrived.Task.WithinLimit();

        using var bound = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await gateway.Server.StopAsync(bound.Token).WithinLimit();

        Assert.Equal("", await client.ReadRestAsync());
    }

    private static bool CannotConnect(IPEndPoint endPoint)
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        try
        {
            socket.Connect(endPoint);
            return false;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return true;
        }
    }
}
