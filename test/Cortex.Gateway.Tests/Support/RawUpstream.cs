using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Cortex.Gateway.Routing;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Support;

/// <summary>A replica that the test scripts connection by connection. What a script throws fails the test at disposal.</summary>
internal sealed class RawUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Task> _scripts = [];
    private readonly ConcurrentBag<RawConnection> _connections = [];
    private readonly Task _accepting;
    private int _count;

    public RawUpstream(Func<RawConnection, Task> script)
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(script);
    }

    public int Connections => Volatile.Read(ref _count);

    public int Port { get; }

    public ReplicaAddress Address(string id = "r1") => new(id, "127.0.0.1", Port);

    /// <summary>A replica that answers every request of a connection, which carry no bodies, with the same bytes.</summary>
    public static RawUpstream Answering(string answer) => new(async connection =>
    {
        while (await connection.ReadHeadAsync() is not null)
        {
            await connection.SendAsync(answer);
        }
    });

    /// <summary>Takes no more connections; those that are open go on.</summary>
    public void StopListening() => _listener.Stop();

    public async ValueTask DisposeAsync()
    {
        StopListening();
        await _accepting;
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }

        foreach (var script in _scripts)
        {
            try
            {
                await script.WaitAsync(Eventually.Limit);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
            {
                // The gateway or this disposal closed the connection.
            }
        }
    }

    private async Task AcceptAsync(Func<RawConnection, Task> script)
    {
        try
        {
            while (true)
            {
                var connection = new RawConnection(await _listener.AcceptSocketAsync());
                Interlocked.Increment(ref _count);
                _connections.Add(connection);
                _scripts.Add(RunAsync(script, connection));
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // Stopped while it waited or between two connections.
        }
    }

    private static async Task RunAsync(Func<RawConnection, Task> script, RawConnection connection)
    {
        using (connection)
        {
            await script(connection);
        }
    }
}
