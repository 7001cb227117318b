using System.Net;
using System.Net.Sockets;
using System.Text;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Replicas;

public sealed class ReplicaCallTests
{
    private const string Answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

    [Fact]
    public async Task Read_WholeAnswer_GivesItAndKeepsTheConnection()
    {
        await using var replica = Replica(static connection => connection.SendAsync(Answer));
        using var client = Client(replica.Address());

        for (var i = 0; i < 3; i++)
        {
            await using var call = client.Call();
            await call.OpenAsync(client.Host);
            await call.SendAsync("abc"u8.ToArray());
            Assert.Equal((200, "text/plain", "", 5L), (call.Status, call.ContentType, call.ContentEncoding, call.ContentLength));
            Assert.Equal("hello", await ReadToEndAsync(call));
            call.Abort();   // too late to matter
        }

        Assert.Equal(1, replica.Connections);
    }

    [Fact]
    public async Task Dispose_AnswerNotReadToItsEnd_ClosesTheConnection()
    {
        await using var replica = Replica(static connection => connection.SendAsync(Answer));
        using var client = Client(replica.Address());
        for (var i = 0; i < 2; i++)
        {
            await using var call = client.Call();
            await call.OpenAsync(client.Host);
            await call.SendAsync(default(ReadOnlyMemory<byte>));
        }

        Assert.Equal(2, replica.Connections);
    }

    [Fact]
    public async Task Open_ConnectionRefused_IsUnreachable()
    {
        using var client = Client(new ReplicaAddress("r1", "127.0.0.1", FreePort.Find()));
        await using var call = client.Call();
        await Assert.ThrowsAsync<UpstreamUnreachableException>(() => call.OpenAsync(client.Host).AsTask().WithinLimit());
    }

    [Fact]
    public async Task Send_ClosedWithoutAnAnswer_IsABadAnswerAndNeverRepeated()
    {
        await using var replica = new RawUpstream(static connection => connection.ReadHeadAsync());
        using var client = Client(replica.Address());
        await using var call = client.Call();
        await call.OpenAsync(client.Host);
        await Assert.ThrowsAsync<BadUpstreamAnswerException>(() => call.SendAsync(default(ReadOnlyMemory<byte>)).AsTask().WithinLimit());
        Assert.Equal(1, replica.Connections);
    }

    [Fact]
    public async Task Send_UsedConnectionIsClosedWithoutAnAnswer_IsABadAnswerAndNeverRepeated()
    {
        await using var replica = new RawUpstream(static async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(Answer);
            await connection.ReadHeadAsync();   // perhaps worked on
        });
        using var client = Client(replica.Address());
        await using (var first = client.Call())
        {
            await first.OpenAsync(client.Host);
            await first.SendAsync(default(ReadOnlyMemory<byte>));
            await ReadToEndAsync(first);
        }

        await using var call = client.Call();
        await call.OpenAsync(client.Host);
        await Assert.ThrowsAsync<BadUpstreamAnswerException>(() => call.SendAsync(default(ReadOnlyMemory<byte>)).AsTask().WithinLimit());
        Assert.Equal(1, replica.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")]
    public async Task Read_HalfABody_IsABadAnswer(string answer)
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(answer);
        });
        using var client = Client(replica.Address());
        await using var call = client.Call();
        await call.OpenAsync(client.Host);
        await call.SendAsync(default(ReadOnlyMemory<byte>));
        await Assert.ThrowsAsync<BadUpstreamAnswerException>(() => ReadToEndAsync(call).WithinLimit());
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")]
    [InlineData("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n")]
    public async Task Read_LinesEndWithLineFeedAlone_IsTheAnswer(string answer)
    {
        await using var replica = RawUpstream.Answering(answer);
        using var client = Client(replica.Address());
        await using var call = client.Call();
        await call.OpenAsync(client.Host);
        await call.SendAsync(default(ReadOnlyMemory<byte>));
        Assert.Equal("hello", await ReadToEndAsync(call));
    }

    [Fact]
    public async Task Send_LongBodyFromAStream_ArrivesWhole()
    {
        var body = Enumerable.Range(0, 3_000_000).Select(static i => (byte)(i % 251)).ToArray();
        var received = "";
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            received = await connection.ReadAsync(body.Length);
            await connection.SendAsync(Answer);
        });
        using var client = Client(replica.Address());
        await using var call = client.Call();
        await call.OpenAsync(client.Host);
        await call.SendAsync(new MemoryStream(body), body.Length);
        Assert.Equal("hello", await ReadToEndAsync(call));
        Assert.Equal(Encoding.Latin1.GetString(body), received);
    }

    [Fact]
    public async Task Send_StreamIsTooShort_ClosesTheConnectionBeforeTheReplicaHasAWholeRequest()
    {
        var got = new TaskCompletionSource<string>();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            got.SetResult(await connection.ReadRestAsync());
        });
        using var client = Client(replica.Address());
        await using var call = client.Call();
        await call.OpenAsync(client.Host);
        await Assert.ThrowsAsync<RequestBodyException>(() => call.SendAsync(new MemoryStream(new byte[10]), 20).AsTask().WithinLimit());
        Assert.InRange((await got.Task.WithinLimit()).Length, 0, 10);
    }

    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task Send_FaultOfOursWhileTheBodyIsRead_IsThrownThoughTheReplicaWaits(string name)
    {
        var fault = OwnFaults.Make(name);
        await using var replica = new RawUpstream(static async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.ReadRestAsync();
        });
        using var client = Client(replica.Address());
        var call = client.Call();
        await call.OpenAsync(client.Host);

        Assert.Same(fault, await Assert.ThrowsAnyAsync<Exception>(() => call.SendAsync(new FaultyStream(fault), 20).AsTask().WithinLimit()));
        Assert.Same(fault, await Assert.ThrowsAnyAsync<Exception>(() => call.DisposeAsync().AsTask().WithinLimit()));
    }

    [Theory]
    [MemberData(nameof(OwnFaults.Names), MemberType = typeof(OwnFaults))]
    public async Task Read_FaultOfOursWhenTheConnectionIsGivenBack_IsNoBadAnswer(string name)
    {
        await using var replica = Replica(static connection => connection.SendAsync(Answer));
        var time = new FaultyTime();
        using var client = new ReplicaClient(replica.Address(), new GatewayOptions(), time);
        await using var call = client.Call();
        await call.OpenAsync(client.Host);
        await call.SendAsync("abc"u8.ToArray());
        time.Fault = OwnFaults.Make(name);

        Assert.Same(time.Fault, await Assert.ThrowsAnyAsync<Exception>(() => ReadToEndAsync(call).WithinLimit()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConte")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")]
    public async Task Abort_WhileTheReplicaAnswers_EndsTheCallAndClosesTheConnection(string answer)
    {
        var sent = new TaskCompletionSource();
        var closed = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(answer);
            sent.SetResult();
            await connection.ReadRestAsync();
            closed.SetResult();
        });
        using var client = Client(replica.Address());
        await using var call = client.Call();
        await call.OpenAsync(client.Host);
        var all = SendAndReadAsync();
        await sent.Task.WithinLimit();
        call.Abort();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => all.WithinLimit());
        await closed.Task.WithinLimit();

        async Task SendAndReadAsync()
        {
            await call.SendAsync(default(ReadOnlyMemory<byte>));
            await ReadToEndAsync(call);
        }
    }

    [Fact]
    public async Task Abort_WhileTheReplicaDoesNotReadTheBody_EndsTheCall()
    {
        var asked = new TaskCompletionSource();
        var done = new TaskCompletionSource();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            asked.SetResult();
            await done.Task;
        });
        using var client = Client(replica.Address());
        var call = client.Call();
        await call.OpenAsync(client.Host);
        var sending = call.SendAsync(new MemoryStream(new byte[64 << 20]), 64 << 20).AsTask();
        await asked.Task.WithinLimit();
        call.Abort();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WithinLimit());
        await call.DisposeAsync().AsTask().WithinLimit();
        done.SetResult();
    }

    [Fact]
    public async Task Abort_BeforeItIsOpen_NeverConnects()
    {
        await using var replica = Replica(static connection => connection.SendAsync(Answer));
        using var client = Client(replica.Address());
        await using var call = client.Call();
        call.Abort();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.OpenAsync(client.Host).AsTask().WithinLimit());
        Assert.Equal(0, replica.Connections);
    }

    private static ReplicaClient Client(ReplicaAddress address) => new(address, new GatewayOptions(), TimeProvider.System);

    /// <summary>A replica that reads requests with bodies of up to three bytes.</summary>
    private static RawUpstream Replica(Func<RawConnection, Task> answer) => new(async connection =>
    {
        while (await connection.ReadHeadAsync() is { } head)
        {
            await connection.ReadAsync(head[^1] - '0');
            await answer(connection);
        }
    });

    private static async Task<string> ReadToEndAsync(ReplicaCall call)
    {
        var text = new StringBuilder();
        while (await call.ReadAsync() is { Length: > 0 } run)
        {
            text.Append(Encoding.Latin1.GetString(run.Span));
        }

        return text.ToString();
    }

    private sealed class FaultyStream(Exception fault) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromException<int>(fault);
    }
}
