using System.Net;
using System.Net.Sockets;
using System.Text;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Tests.Support;

namespace Cortex.Gateway.Tests.Replicas;

/// <summary>Against a real socket whose other end the test plays.</summary>
public sealed class UpstreamConnectionTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public UpstreamConnectionTests() => _listener.Start();

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task ClosedBeforeRequest_ReplicaClosedWhileItRested_IsTrue()
    {
        var (connection, replica) = await ServedOnceAsync();
        using (connection)
        {
            // The end of the stream is here, and the gateway has not looked yet.
            replica.Dispose();
            connection.BeginRequest(isHead: false);
            await connection.SendAsync("second"u8.ToArray());

            Assert.False(await connection.FillAsync().AsTask().WaitAsync(Eventually.Limit));
            Assert.True(connection.ClosedBeforeRequest);
        }
    }

    [Fact]
    public async Task ClosedBeforeRequest_ReplicaHadReadTheRequest_IsFalse()
    {
        var (connection, replica) = await ServedOnceAsync();
        using (connection)
        {
            connection.BeginRequest(isHead: false);
            await connection.SendAsync("second"u8.ToArray());
            await ReadAsync(replica, "second");
            replica.Dispose();

            Assert.False(await connection.FillAsync().AsTask().WaitAsync(Eventually.Limit));
            Assert.False(connection.ClosedBeforeRequest);
        }
    }

    [Fact]
    public async Task ClosedBeforeRequest_ReplicaHadTheRequestUnread_IsFalse()
    {
        var (connection, replica) = await ServedOnceAsync();
        using (connection)
        {
            connection.BeginRequest(isHead: false);
            await connection.SendAsync("second"u8.ToArray());
            Assert.True(replica.Poll(Eventually.Limit, SelectMode.SelectRead));
            replica.Dispose();

            await Assert.ThrowsAsync<SocketException>(() => connection.FillAsync().AsTask().WaitAsync(Eventually.Limit));
            Assert.False(connection.ClosedBeforeRequest);
        }
    }

    [Fact]
    public async Task ClosedBeforeRequest_FreshConnection_IsFalse()
    {
        var (connection, replica) = await ConnectAsync();
        using (connection)
        {
            replica.Dispose();
            connection.BeginRequest(isHead: false);
            await connection.SendAsync("first"u8.ToArray());

            Assert.False(await connection.FillAsync().AsTask().WaitAsync(Eventually.Limit));
            Assert.False(connection.ClosedBeforeRequest);
        }
    }

    // A connection on which a request was answered, and that rests.
    private async Task<(UpstreamConnection Connection, Socket Replica)> ServedOnceAsync()
    {
        var (connection, replica) = await ConnectAsync();
        connection.BeginRequest(isHead: false);
        await connection.SendAsync("first"u8.ToArray());
        await ReadAsync(replica, "first");
        await replica.SendAsync("answer"u8.ToArray());
        while (connection.Unread.Length < "answer".Length)
        {
            Assert.True(await connection.FillAsync().AsTask().WaitAsync(Eventually.Limit));
        }

        connection.Consume("answer".Length);
        connection.Rest(now: 0);
        return (connection, replica);
    }

    private async Task<(UpstreamConnection Connection, Socket Replica)> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_listener.LocalEndpoint);
        return (new UpstreamConnection(socket, maxHeadSize: 16 * 1024, lostAfter: TimeSpan.FromSeconds(30)), await _listener.AcceptSocketAsync());
    }

    private static async Task ReadAsync(Socket replica, string text)
    {
        var bytes = new byte[text.Length];
        for (var read = 0; read < bytes.Length;)
        {
            var count = await replica.ReceiveAsync(bytes.AsMemory(read)).AsTask().WaitAsync(Eventually.Limit);
            Assert.NotEqual(0, count);
            read += count;
        }

        Assert.Equal(text, Encoding.ASCII.GetString(bytes));
    }
}
