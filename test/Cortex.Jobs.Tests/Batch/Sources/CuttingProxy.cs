using System.Net;
using System.Net.Sockets;

namespace Cortex.Jobs.Tests.Batch.Sources;

/// <summary>Passes bytes on to a server and cuts connections after some bytes of the answer, as a bad network does.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;
    private readonly Task _accepting;
    private int _cut;

    public CuttingProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>So many bytes come through each connection; 0 for all.</summary>
    public int CutAfter { get; set; }

    /// <summary>Connections that were cut.</summary>
    public int Cut => Volatile.Read(ref _cut);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var near = client;
        using var far = new TcpClient();
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            var up = near.GetStream().CopyToAsync(far.GetStream(), _stop.Token);
            var buffer = new byte[16 * 1024];
            var passed = 0;
            while (await far.GetStream().ReadAsync(buffer, _stop.Token) is > 0 and var count)
            {
                await near.GetStream().WriteAsync(buffer.AsMemory(0, count), _stop.Token);
                passed += count;
                if (CutAfter > 0 && passed >= CutAfter)
                {
                    Interlocked.Increment(ref _cut);
                    near.Client.Close(0);
                    break;
                }
            }

            far.Close();
            await up;
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One of the two ends went away, which is what this is for.
        }
    }
}
