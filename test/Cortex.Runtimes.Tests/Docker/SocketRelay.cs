using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>A unix socket in front of Docker's that a test can break.</summary>
internal sealed class SocketRelay : IAsyncDisposable
{
    private readonly string _target;
    private readonly ConcurrentBag<Socket> _open = [];
    private Socket _listener;
    private Task _accepting;

    public SocketRelay(string target)
    {
        _target = target;
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"relay-{Guid.NewGuid():N}.sock");
        (_listener, _accepting) = Listen();
    }

    public string Path { get; }

    /// <summary>Ends every connection and refuses new ones.</summary>
    public void Cut()
    {
        _listener.Dispose();
        foreach (var socket in _open)
        {
            socket.Dispose();
        }
    }

    public void Mend()
    {
        File.Delete(Path);
        (_listener, _accepting) = Listen();
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await _accepting;
        File.Delete(Path);
    }

    private (Socket, Task) Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path));
        listener.Listen();
        return (listener, AcceptAsync(listener));
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            try
            {
                var client = await listener.AcceptAsync();
                var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await server.ConnectAsync(new UnixDomainSocketEndPoint(_target));
                _open.Add(client);
                _open.Add(server);
                _ = PumpAsync(client, server);
                _ = PumpAsync(server, client);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private static async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[16384];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer)) > 0)
            {
                await to.SendAsync(buffer.AsMemory(0, read));
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
