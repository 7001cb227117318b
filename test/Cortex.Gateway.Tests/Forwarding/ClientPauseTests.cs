using System.Net.WebSockets;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Cortex.Gateway.Tests.Forwarding;

/// <summary>A client that sends nothing, or takes nothing, holds a replica's slot for a bounded time only.</summary>
public sealed class ClientPauseTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);
    private static readonly GatewayOptions Impatient = new() { ClientIdleTimeout = Short };

    [Theory]
    [InlineData("Content-Length: 1000\r\n\r\nx")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n1\r\nx")]
    public async Task Upload_FallsSilent_Is408AndSlotIsFree(string body)
    {
        await using var replica = await AppUpstream.StartAsync(Swallow);
        await using var gateway = await TestGateway.StartAsync(Impatient, Routes.Api("api", 1, 10, replica.Address()));
        using var silent = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\n" + body);
        await InFlightAsync(gateway, 1);

        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));   // waited for the slot
        Assert.StartsWith("HTTP/1.1 408 ", await silent.ReadRestAsync());
        await InFlightAsync(gateway, 0);
    }

    [Fact]
    public async Task Http2Upload_FallsSilent_Is408AndSlotIsFree()
    {
        await using var replica = await AppUpstream.StartAsync(Swallow);
        await using var gateway = await TestGateway.StartAsync(Impatient, Routes.Api("api", 1, 10, replica.Address()));
        using var silent = await RawHttp2.OpenAsync(gateway.EndPoint);
        await silent.SendAsync(RawHttp2.Request(1, "POST", "/api", endStream: false, ("content-length", "1000")));
        await silent.SendAsync(RawHttp2.Frame(RawHttp2.Data, 0, 1, "x"u8));
        await InFlightAsync(gateway, 1);

        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
        Assert.Equal(408, await silent.ReadStatusAsync(1));
        await silent.SendAsync(RawHttp2.Request(3, "GET", "/api", endStream: true));
        Assert.Equal(200, await silent.ReadStatusAsync(3));   // the connection goes on
    }

    [Fact]
    public async Task Upload_ApiHasItsOwnLimit_ThatHolds()
    {
        await using var replica = await AppUpstream.StartAsync(Swallow);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 10, replica.Address()) with { ClientIdleTimeout = Short });
        using var silent = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx");

        var answer = await silent.ReadRestAsync();

        Assert.StartsWith("HTTP/1.1 408 ", answer);
        Assert.EndsWith("no byte of the request's body arrived for 0.3 s\n", answer);
    }

    [Fact]
    public async Task Upload_SlowButSteady_IsServed()
    {
        await using var replica = await AppUpstream.StartAsync(Swallow);
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { ClientIdleTimeout = TimeSpan.FromSeconds(2) }, Routes.Api("api", 1, 10, replica.Address()));
        using var slow = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n");
        for (var i = 0; i < 30; i++)
        {
            await Task.Delay(150);   // longer than the limit together
            await slow.SendAsync("x");
        }

        Assert.StartsWith("HTTP/1.1 200 ", await slow.ReadHeadAsync());
    }

    [Theory]
    [InlineData("Content-Length: 5", "hello")]
    [InlineData("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    public async Task Upload_HasNotBegun_HoldsNoSlot(string framing, string body)
    {
        await using var replica = await AppUpstream.StartAsync(Swallow);
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { ExpectTimeout = TimeSpan.FromMinutes(1) }, Routes.Api("api", 1, 0, replica.Address()));
        using var waiting = await gateway.SendAsync($"POST /api HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
        }

        await waiting.SendAsync(body);

        Assert.StartsWith("HTTP/1.1 200 ", await waiting.ReadHeadAsync());
    }

    [Fact]
    public async Task Http2Upload_HasNotBegun_HoldsNoSlot()
    {
        await using var replica = await AppUpstream.StartAsync(Swallow);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 0, replica.Address()));
        using var waiting = await RawHttp2.OpenAsync(gateway.EndPoint);
        await waiting.SendAsync(RawHttp2.Request(1, "POST", "/api", endStream: false, ("content-length", "1")));
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
        }

        await waiting.SendAsync(RawHttp2.Frame(RawHttp2.Data, RawHttp2.EndStream, 1, "x"u8));

        Assert.Equal(200, await waiting.ReadStatusAsync(1));
    }

    [Fact]
    public async Task Upload_NeverBegins_Is408AndReachesNoReplica()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(Impatient, Routes.Api("api", 1, 0, replica.Address()));
        using var silent = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 408 ", await silent.ReadRestAsync());
        Assert.Equal(0, replica.Connections);
    }

    [Fact]
    public async Task Upload_ClientLeavesBeforeItBegins_IsForgotten()
    {
        await using var replica = await AppUpstream.StartAsync(Swallow);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 0, replica.Address()));
        using (var leaving = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"))
        {
            leaving.Reset();
        }

        using (var half = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"))
        {
            half.EndSending();
            Assert.DoesNotContain("HTTP/1.1 200", await half.ReadRestAsync());
        }

        Assert.Equal("ok", await gateway.Client.GetStringAsync("api"));
    }

    [Fact]
    public async Task Stream_ReplicaSpeaksFirst_DoesNotDeadlock()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            await connection.ReadUntilAsync("0\r\n\r\n");
            await connection.SendAsync("0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { ClientIdleTimeout = Short, ExpectTimeout = TimeSpan.FromMilliseconds(100) }, Routes.Api("api", 1, 0, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync());
        await client.ReadUntilAsync("hello\r\n");
        await Task.Delay(2000);   // far beyond the client's limit: now it is a stream
        await client.SendAsync("1\r\nx\r\n0\r\n\r\n");
        Assert.NotNull(await client.ReadUntilAsync("0\r\n\r\n"));
    }

    [Fact]
    public async Task Stream_NothingMovesForItsLimit_Ends()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            await connection.ReadRestAsync();
        });
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { StreamIdleTimeout = Short, ExpectTimeout = TimeSpan.FromMilliseconds(100) }, Routes.Api("api", 1, 0, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");

        Assert.Contains("hello", await client.ReadRestAsync());
        await InFlightAsync(gateway, 0);
    }

    [Theory]
    [InlineData("Content-Length: 1000000000")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("X-Ends: with the connection")]
    public async Task Answer_IsNotTaken_ConnectionEndsAndSlotIsFree(string framing)
    {
        await using var replica = Endless(framing);
        await using var gateway = await TestGateway.StartAsync(Impatient, Routes.Api("api", 1, 10, replica.Address()));
        using var deaf = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");
        await InFlightAsync(gateway, 1);

        await InFlightAsync(gateway, 0);
    }

    [Theory]
    [InlineData("Content-Length: 1000000000")]
    [InlineData("Transfer-Encoding: chunked")]
    public async Task Http2Answer_IsNotTaken_StreamEndsAndSlotIsFree(string framing)
    {
        await using var replica = Endless(framing);
        await using var gateway = await TestGateway.StartAsync(Impatient, Routes.Api("api", 1, 10, replica.Address()));
        using var deaf = await RawHttp2.OpenAsync(gateway.EndPoint);
        await deaf.SendAsync(RawHttp2.Request(1, "GET", "/api", endStream: true));

        Assert.NotNull(await deaf.ReadAsync(1, RawHttp2.Reset));   // its window was never opened any further
        await InFlightAsync(gateway, 0);
    }

    [Fact]
    public async Task Answer_IsTakenSlowly_GoesOn()
    {
        await using var replica = Endless("Content-Length: 1000000000");
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { ClientIdleTimeout = TimeSpan.FromSeconds(1) }, Routes.Api("api", 1, 10, replica.Address()));
        using var slow = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");
        await slow.ReadHeadAsync();
        for (var i = 0; i < 25; i++)
        {
            await Task.Delay(200);
            await slow.ReadAsync(256 * 1024);
        }

        Assert.Equal(1, gateway.Server.GetTraffic("api")!.Value.InFlight);
    }

    [Fact]
    public async Task WebSocket_Silent_LivesAsLongAsAStream()
    {
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            using var socket = await http.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[100];
            while (await socket.ReceiveAsync(buffer, CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } message)
            {
                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, true, CancellationToken.None);
            }
        });
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { ClientIdleTimeout = Short, StreamIdleTimeout = TimeSpan.FromSeconds(4) }, Routes.Api("api", 1, 10, replica.Address()));
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{gateway.EndPoint.Port}/api"), TestContext.Current.CancellationToken);
        await Task.Delay(2000);
        await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        var answer = new byte[100];
        Assert.Equal(5, (await client.ReceiveAsync(answer, CancellationToken.None)).Count);

        await Assert.ThrowsAsync<WebSocketException>(() => client.ReceiveAsync(answer, CancellationToken.None)).WithinLimit();
        await InFlightAsync(gateway, 0);
    }

    [Fact]
    public async Task Grpc_ServerSpeaksFirst_DoesNotDeadlockAndLivesAsLongAsAStream()
    {
        await using var replica = await AppUpstream.StartAsync(
            async http =>
            {
                http.Response.ContentType = "application/grpc";
                await http.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 0 });
                await http.Request.Body.CopyToAsync(http.Response.Body);
            },
            HttpProtocols.Http2);
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { ClientIdleTimeout = Short, StreamIdleTimeout = TimeSpan.FromSeconds(4) }, Routes.Api("api", 1, 0, replica.Address()));
        using var client = await RawHttp2.OpenAsync(gateway.EndPoint);
        await client.SendAsync(RawHttp2.Request(1, "POST", "/api/pkg.Service/Call", endStream: false, ("content-type", "application/grpc"), ("te", "trailers")));
        Assert.Equal(200, await client.ReadStatusAsync(1));
        Assert.Equal(5, (await client.ReadAsync(1, RawHttp2.Data))!.Value.Payload.Length);
        await Task.Delay(2000);
        await client.SendAsync(RawHttp2.Frame(RawHttp2.Data, 0, 1, "\0\0\0\0\u0002ab"u8));
        Assert.Equal(7, (await client.ReadAsync(1, RawHttp2.Data))!.Value.Payload.Length);

        Assert.NotNull(await client.ReadAsync(1, RawHttp2.Reset));   // silent for longer than a stream may be
        await InFlightAsync(gateway, 0);
    }

    private static async Task Swallow(HttpContext http)
    {
        await http.Request.Body.CopyToAsync(Stream.Null);
        await http.Response.WriteAsync("ok");
    }

    private static RawUpstream Endless(string framing) => new(async connection =>
    {
        await connection.ReadHeadAsync();
        await connection.SendAsync($"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
        var part = framing.StartsWith("Transfer", StringComparison.Ordinal) ? $"4000\r\n{new string('x', 0x4000)}\r\n" : new string('x', 0x4000);
        for (var i = 0; i < 61_000; i++)
        {
            await connection.SendAsync(part);
        }
    });

    private static Task InFlightAsync(TestGateway gateway, int count) =>
        Eventually.TrueAsync(() => gateway.Server.GetTraffic("api")!.Value.InFlight == count, $"{count} in flight");
}
