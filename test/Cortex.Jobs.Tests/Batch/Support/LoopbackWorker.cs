using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Cortex.Jobs.Tests.Batch.Support;

/// <summary>What a worker was sent.</summary>
internal sealed record WorkerRequest(string Path, string Head, string Body);

/// <summary>What it answers; a status of 0 closes the connection instead.</summary>
internal readonly record struct WorkerReply(int Status, string Body = "");

/// <summary>A worker's HTTP server on a real socket.</summary>
internal sealed class LoopbackWorker : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> _connections = new();
    private readonly Func<WorkerRequest, Task<WorkerReply>> _handle;
    private volatile bool _dead;

    public LoopbackWorker(Func<WorkerRequest, Task<WorkerReply>> handle)
    {
        _handle = handle;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Closes everything at once, as a process that is killed does.</summary>
    public void Dispose()
    {
        _dead = true;
        _listener.Stop();
        foreach (var connection in _connections.Keys)
        {
            connection.Close(0);
        }
    }

    private async Task AcceptAsync()
    {
        while (!_dead)
        {
            try
            {
                var connection = await _listener.AcceptSocketAsync();
                _connections[connection] = true;
                _ = ServeAsync(connection);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        try
        {
            connection.NoDelay = true;
            var buffer = new byte[64 * 1024];
            var length = 0;
            while (!_dead)
            {
                int end;
                while ((end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
                {
                    if (await connection.ReceiveAsync(buffer.AsMemory(length)) is not (> 0 and var read))
                    {
                        return;
                    }

                    length += read;
                }

                var head = Encoding.Latin1.GetString(buffer, 0, end);
                var whole = end + 4 + ContentLength(head);
                Array.Resize(ref buffer, Math.Max(buffer.Length, whole));
                while (length < whole)
                {
                    if (await connection.ReceiveAsync(buffer.AsMemory(length)) is not (> 0 and var read))
                    {
                        return;
                    }

                    length += read;
                }

                var request = new WorkerRequest(head.Split(' ', 3)[1], head, Encoding.UTF8.GetString(buffer, end + 4, whole - end - 4));
                buffer.AsSpan(whole, length - whole).CopyTo(buffer);
                length -= whole;
                var (status, body) = await _handle(request);
                if (status == 0)
                {
                    return;
                }

                await connection.SendAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 {status} X\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It died, or its client went.
        }
        finally
        {
            _connections.TryRemove(connection, out _);
            connection.Dispose();
        }
    }

    private static int ContentLength(string head)
    {
        const string name = "Content-Length: ";
        var start = head.IndexOf(name, StringComparison.OrdinalIgnoreCase) + name.Length;
        var end = head.IndexOf('\r', start);
        return int.Parse(end < 0 ? head.AsSpan(start) : head.AsSpan(start, end - start), System.Globalization.CultureInfo.InvariantCulture);
    }
}
