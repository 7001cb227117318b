using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Forwarding;

public abstract class StreamingTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    private const long Large = 100L << 20;

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", false)]
    public async Task Events_EachReachesClientBeforeTheNextIsSent(string head, bool chunked)
    {
        var acknowledged = new SemaphoreSlim(0);
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(head);
            for (var i = 0; i < 20; i++)
            {
                var line = $"data: {i:00}\n\n";
                await connection.SendAsync(chunked ? $"{line.Length:x}\r\n{line}\r\n" : line);
                Assert.True(await acknowledged.WaitAsync(Eventually.Limit));
            }

            await connection.SendAsync(chunked ? "0\r\n\r\n" : "");
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var answer = await gateway.Client.GetAsync("api", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal($"data: {i:00}", await reader.ReadLineAsync().WaitAsync(Eventually.Limit));
            Assert.Equal("", await reader.ReadLineAsync().WaitAsync(Eventually.Limit));
            acknowledged.Release();
        }

        Assert.Null(await reader.ReadLineAsync().WaitAsync(Eventually.Limit));
    }

    [Fact]
    public async Task Head_BeforeAnyBody_ReachesClient()
    {
        var seen = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
            await seen.Task.WithinLimit();
            await connection.SendAsync("ok");
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadHeadAsync());
        seen.SetResult();
        Assert.Equal("ok", await client.ReadAsync(2));
    }

    [Fact]
    public async Task Upload_EachPartReachesReplicaBeforeTheNextIsSent()
    {
        var parts = new SemaphoreSlim(0);
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            for (var i = 0; i < 10; i++)
            {
                await connection.ReadUntilAsync($"part{i}\r\n");
                parts.Release();
            }

            await connection.ReadUntilAsync("0\r\n\r\n");
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");

        for (var i = 0; i < 10; i++)
        {
            await client.SendAsync($"5\r\npart{i}\r\n");
            Assert.True(await parts.WaitAsync(Eventually.Limit));
        }

        await client.SendAsync("0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadHeadAsync());
    }

    [Fact]
    public async Task Bodies_AHundredMegabytesEachWay_ArriveWholeInBoundedMemory()
    {
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            var hash = Convert.ToHexString(await SHA256.HashDataAsync(http.Request.Body));
            http.Response.Headers["X-Hash"] = hash;
            http.Response.ContentLength = Large;
            await Pattern().CopyToAsync(http.Response.Body);
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var request = new HttpRequestMessage(HttpMethod.Post, "api") { Content = new StreamContent(Pattern()) };
        request.Content.Headers.ContentLength = Large;
        var expected = Convert.ToHexString(await SHA256.HashDataAsync(Pattern()));
        var before = GC.GetTotalMemory(forceFullCollection: true);

        using var answer = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var received = Convert.ToHexString(await SHA256.HashDataAsync(await answer.Content.ReadAsStreamAsync()));
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;

        Assert.Equal(expected, answer.Headers.GetValues("X-Hash").Single());
        Assert.Equal(expected, received);
        Assert.InRange(grown, long.MinValue, 30L << 20);
    }

    [Fact]
    public async Task Answer_ClientDoesNotRead_ReplicaIsHeldBack()
    {
        long sent = 0;
        var blocked = new TaskCompletionSource();
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            var block = new byte[64 * 1024];
            http.Response.ContentLength = Large;
            while (Interlocked.Read(ref sent) < Large)
            {
                await http.Response.Body.WriteAsync(block, http.RequestAborted);
                Interlocked.Add(ref sent, block.Length);
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.ReadHeadAsync();

        // Buffers of sockets and pipes fill up; then nothing moves.
        long last = -1;
        while (Interlocked.Read(ref sent) != last)
        {
            last = Interlocked.Read(ref sent);
            await Task.Delay(500);
        }

        Assert.InRange(last, 1, Large / 2);
    }

    private static PatternStream Pattern() => new(Large);

    /// <summary>Bytes that repeat with an odd period, so that a lost or doubled block shows.</summary>
    private sealed class PatternStream(long length) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, length - _position);
            for (var i = 0; i < count; i++)
            {
                buffer[i] = (byte)((_position + i) % 251);
            }

            _position += count;
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

public sealed class StreamingOverHttp1Tests() : StreamingTests(isHttp2: false)
{
    [Fact]
    public async Task WebSocket_Messages_FlowBothWays()
    {
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            Assert.Equal("/chat", http.Request.Path);
            using var socket = await http.WebSockets.AcceptWebSocketAsync("echo");
            var buffer = new byte[256 * 1024];
            while (true)
            {
                var message = await socket.ReceiveAsync(buffer, CancellationToken.None);
                if (message.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None);
                    return;
                }

                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, CancellationToken.None);
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = new ClientWebSocket();
        client.Options.AddSubProtocol("echo");
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{gateway.EndPoint.Port}/api/chat"), CancellationToken.None).WithinLimit();
        Assert.Equal("echo", client.SubProtocol);
        Assert.Equal(new ApiTraffic(1, 0), gateway.Server.GetTraffic("api"));

        var buffer = new byte[256 * 1024];
        foreach (var text in new[] { "a", new string('b', 100_000), "" })
        {
            await client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None).WithinLimit();
            var received = new StringBuilder();
            WebSocketReceiveResult part;
            do
            {
                part = await client.ReceiveAsync(buffer, CancellationToken.None).WithinLimit();
                received.Append(Encoding.UTF8.GetString(buffer, 0, part.Count));
            }
            while (!part.EndOfMessage);
            Assert.Equal(text, received.ToString());
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", CancellationToken.None).WithinLimit();
        Assert.Equal("bye", client.CloseStatusDescription);
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "the slot is free");
    }

    [Fact]
    public async Task WebSocket_ClientVanishes_ReplicaIsTold()
    {
        var ended = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nfirst");
            await connection.ReadRestAsync();
            ended.SetResult();
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync());
        Assert.Equal("first", await client.ReadAsync(5));

        client.Reset();

        await ended.Task.WithinLimit();
        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "the slot is free");
    }

    [Fact]
    public async Task WebSocket_ReplicaCloses_ClientIsTold()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nlast");
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync());

        Assert.Equal("last", await client.ReadRestAsync());
    }

    [Fact]
    public async Task Upgrade_ReplicaDeclines_AnswersPlainly()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        var answer = await gateway.GetRawAsync("/api", "Connection: Upgrade\r\nUpgrade: websocket\r\n");

        Assert.StartsWith("HTTP/1.1 403 Forbidden", answer);
        Assert.EndsWith("\r\n\r\nno", answer);
    }
}

public sealed class StreamingOverHttp2Tests() : StreamingTests(isHttp2: true);
