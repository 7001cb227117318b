using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>A unix socket in front of Docker's that a test can break.</summary>
internal sealed class SocketRelay : IAsyncDisposable
{
    private readonly string _target;
    private readonly ConcurrentBag<Socket> _open = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Socket _listener;
    private Task _accepting;

    public SocketRelay(string target)
    {
        _target = target;
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"relay-{Guid.NewGuid():N}.sock");
        (_listener, _accepting) = Listen();
    }

    public string Path { get; }

    /// <summary>Requests to this path are refused as the engine refuses what it believes to run.</summary>
    public string? Refused { get; set; }

    /// <summary>Requests to this path reach the engine, but their answers are held back until the relay ends.</summary>
    public string? Held { get; set; }

    /// <summary>Takes connections and requests and passes nothing on, in either direction, as an engine that hangs.</summary>
    public void Silence() => _speaks = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends the silence: what was held back is passed on.</summary>
    public void Speak() => _speaks?.TrySetResult();

    private volatile TaskCompletionSource? _speaks;

    private Task SpeaksAsync() => _speaks is { } silence ? Task.WhenAny(silence.Task, _ended.Task) : Task.CompletedTask;

    /// <summary>Requests to this path reach the engine only when <see cref="LetPass"/> is called.</summary>
    public string? Stopped { get; set; }

    private readonly TaskCompletionSource _passes = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets through what was <see cref="Stopped"/>.</summary>
    public void LetPass()
    {
        Stopped = null;
        _passes.TrySetResult();
    }

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
        _ended.TrySetResult();
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
                var holds = false;
                _ = PumpAsync(client, server, async (from, request) =>
                {
                    Volatile.Write(ref holds, Names(request, Held));
                    await (Names(request, Stopped) ? Task.WhenAny(_passes.Task, _ended.Task) : Task.CompletedTask);
                    return await RefuseAsync(from, request);
                });
                _ = PumpAsync(server, client, async (_, _) =>
                {
                    await (Volatile.Read(ref holds) ? _ended.Task : Task.CompletedTask);
                    return false;
                });
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    // A request is written whole before its answer is awaited, so its head begins what is read.
    private static bool Names(ReadOnlyMemory<byte> request, string? path) => path is not null
        && Encoding.ASCII.GetString(request.Span[..Math.Max(0, request.Span.IndexOf("\r\n"u8))]).Contains(path, StringComparison.Ordinal);

    private async Task<bool> RefuseAsync(Socket client, ReadOnlyMemory<byte> request)
    {
        if (!Names(request, Refused))
        {
            return false;
        }

        const string Body = """{"message": "task: already exists"}""";
        await client.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"));
        return true;
    }

    private async Task PumpAsync(Socket from, Socket to, Func<Socket, ReadOnlyMemory<byte>, Task<bool>> answeredAsync)
    {
        var buffer = new byte[16384];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer)) > 0)
            {
                await SpeaksAsync();
                if (!await answeredAsync(from, buffer.AsMemory(0, read)))
                {
                    await to.SendAsync(buffer.AsMemory(0, read));
                }
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
