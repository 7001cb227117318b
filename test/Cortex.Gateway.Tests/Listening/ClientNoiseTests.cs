using System.Net;
using System.Net.Sockets;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Listening;

/// <summary>Nothing that a client can do is an error in the server's log.</summary>
public sealed class ClientNoiseTests
{
    [Fact]
    public async Task Http2_ClientsResetAtAnyMoment_LogsNoError()
    {
        using var log = new RecordingLogger();
        await using var replica = await AppUpstream.StartAsync(static async http =>
        {
            await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
            for (var i = 0; i < 20; i++)
            {
                await http.Response.Body.WriteAsync(new byte[20_000], http.RequestAborted);
            }
        });
        await using var server = new GatewayServer(new GatewayOptions(), [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0))], log, TimeProvider.System);
        server.Apply(Routes.Snapshot(Routes.Api("api", 50, 100, replica.Address())));
        await server.StartAsync(TestContext.Current.CancellationToken);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() => MisbehaveAsync(server.EndPoints[0], new Random(worker)), TestContext.Current.CancellationToken)));
        await Eventually.TrueAsync(() => server.GetTraffic("api")!.Value.InFlight == 0, "every slot is free");

        Assert.Empty(log.Errors);
    }

    private static async Task MisbehaveAsync(EndPoint endPoint, Random random)
    {
        for (var i = 0; i < 150; i++)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(endPoint);
            byte[] bytes = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. RawHttp2.Frame(RawHttp2.Settings, 0, 0, [])];
            for (var stream = 1; stream < 40; stream += 2)
            {
                var whole = random.Next(2) == 0;
                bytes = [.. bytes, .. RawHttp2.Request(stream, "POST", "/api", whole)];
                bytes = random.Next(5) switch
                {
                    0 => [.. bytes, .. RawHttp2.Frame(RawHttp2.Reset, 0, stream, [0, 0, 0, 8])],
                    1 => [.. bytes, .. RawHttp2.Frame(RawHttp2.Data, 1, stream, "x"u8)],
                    2 => [.. bytes, .. RawHttp2.Frame(RawHttp2.WindowUpdate, 0, stream, [0, 1, 0, 0])],
                    3 => [.. bytes, .. RawHttp2.Frame(RawHttp2.WindowUpdate, 0, 0, [0, 1, 0, 0])],
                    _ => bytes,
                };
            }

            // All of it or a part; then time for some of the work, and an end in order, by a reset, or without reading.
            await socket.SendAsync(bytes.AsMemory(0, random.Next(2) == 0 ? bytes.Length : random.Next(bytes.Length)));
            if (random.Next(2) == 0)
            {
                socket.ReceiveTimeout = 5;
                try
                {
                    socket.Receive(new byte[1 << random.Next(20)]);
                }
                catch (SocketException)
                {
                    // Nothing came so soon.
                }
            }

            socket.LingerState = new LingerOption(random.Next(3) > 0, 0);
        }
    }
}
