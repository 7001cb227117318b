using System.Net;
using System.Net.Sockets;

namespace Cortex.Testing;

/// <summary>Stands between clients and a server of this machine, and cuts a connection when a client has sent a certain text.</summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _server;
    private readonly Task _accepting;
    private Cut? _cut;
    private int _cuts;

    /// <summary>Begins to listen.</summary>
    /// <param name="server">The server's port.</param>
    public CuttingProxy(int server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections that were cut.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>Cuts the connection, once, on which the text is sent next.</summary>
    /// <param name="text">What the client sends, in one piece.</param>
    /// <param name="isDelivered">Whether the server gets it, so that only its answer is lost.</param>
    public void CutAt(ReadOnlySpan<byte> text, bool isDelivered) => Volatile.Write(ref _cut, new Cut(text.ToArray(), isDelivered));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            _ = RelayAsync(client);
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _server, _stop.Token);
                var answers = server.GetStream().CopyToAsync(client.GetStream(), _stop.Token);
                await Task.WhenAny(answers, SendAsync(client, server)).Unwrap();
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One of both has gone; the other one is told by the end of its connection.
            }
        }
    }

    private async Task SendAsync(TcpClient client, TcpClient server)
    {
        var buffer = new byte[64 * 1024];
        while (await client.GetStream().ReadAsync(buffer, _stop.Token) is > 0 and var count)
        {
            var sent = buffer.AsMemory(0, count);
            if (Volatile.Read(ref _cut) is { } cut && sent.Span.IndexOf(cut.Text) >= 0 && Interlocked.CompareExchange(ref _cut, null, cut) == cut)
            {
                Interlocked.Increment(ref _cuts);

                // The client's end first: it gets no answer, however quick that is.
                client.Client.Close(0);
                if (cut.IsDelivered)
                {
                    await server.GetStream().WriteAsync(sent, _stop.Token);
                    server.Client.Shutdown(SocketShutdown.Send);

                    // Until its answer finds nobody: a connection that is closed sooner might lose what was just sent.
                    await Task.Delay(Timeout.InfiniteTimeSpan, _stop.Token);
                }

                return;
            }

            await server.GetStream().WriteAsync(sent, _stop.Token);
        }
    }

    private sealed record Cut(byte[] Text, bool IsDelivered);
}
