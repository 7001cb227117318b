using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Cortex.Background;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Listening;

/// <summary>
/// One port for HTTP/1.1 and prior-knowledge HTTP/2, which Kestrel does not serve together without TLS: every accepted
/// connection's first bytes decide which of two Kestrel endpoints gets it.
/// </summary>
internal sealed class SharedPort(GatewayListener listener, ClientConnections clients, TimeSpan headerTimeout, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly BackgroundWork _background = new(logger, time);
    private readonly Lock _lock = new();
    private IConnectionListener? _socket;
    private ChannelWriter<ConnectionContext>? _http1;
    private ChannelWriter<ConnectionContext>? _http2;
    private Task? _stopped;

    /// <summary>Where it listens; the port is real once bound.</summary>
    public EndPoint EndPoint => _socket?.EndPoint ?? listener.EndPoint;

    /// <exception cref="IOException">The address cannot be had; the message says why and what to do.</exception>
    public async Task BindAsync(IConnectionListenerFactory transport, CancellationToken cancellationToken)
    {
        try
        {
            _socket = await transport.BindAsync(listener.EndPoint, cancellationToken);
        }
        catch (AddressInUseException e)
        {
            throw new IOException(
                $"cannot listen on {listener.EndPoint}: port {listener.EndPoint.Port} is taken by another process; stop that process or configure another port", e);
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen on {listener.EndPoint}: {e.Message}; configure an address of this machine and a port that you may use", e);
        }
    }

    /// <summary>Names the taker of one protocol's connections.</summary>
    public void Attach(HttpProtocols protocol, ChannelWriter<ConnectionContext> taker)
    {
        if (protocol == HttpProtocols.Http2)
        {
            _http2 = taker;
        }
        else
        {
            _http1 = taker;
        }
    }

    /// <summary>Begins to accept; both takers are attached.</summary>
    public void Start()
    {
        logger.Listening(EndPoint.ToString() ?? "");
        _background.StartLoop($"accepting connections on {EndPoint}", _ => AcceptAsync(_socket!));
    }

    /// <summary>Stops accepting. Repeated calls wait for the first.</summary>
    public Task StopAsync()
    {
        lock (_lock)
        {
            return _stopped ??= StopOnceAsync();
        }
    }

    /// <summary>Call <see cref="StopAsync"/> first.</summary>
    public void Dispose() => _stopping.Dispose();

    private async Task StopOnceAsync()
    {
        await _stopping.CancelAsync();
        if (_socket is not null)
        {
            await _socket.UnbindAsync();
            await _background.DisposeAsync();
            await _socket.DisposeAsync();
        }

        _http1?.TryComplete();
        _http2?.TryComplete();
    }

    private async Task AcceptAsync(IConnectionListener socket)
    {
        while (await socket.AcceptAsync(CancellationToken.None) is { } connection)
        {
            _ = TakeAsync(connection);   // ends by itself within the header timeout, and reports nothing
        }
    }

    /// <summary>Hands a connection to who speaks its protocol, or ends it. Never throws.</summary>
    private async Task TakeAsync(ConnectionContext connection)
    {
        try
        {
            if (clients.TryEnter(connection) is not null && await TrySortAsync(connection))
            {
                return;
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            // The client left without a word, or made room for others.
        }
        catch (Exception e)
        {
            logger.SortFailed(e);   // that one connection is lost, and no other
        }

        await EndAsync(connection);
    }

    private static async Task EndAsync(ConnectionContext connection)
    {
        try
        {
            connection.Abort();
            await connection.DisposeAsync();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            // It had ended.
        }
    }

    /// <summary>False when the server stops.</summary>
    private async ValueTask<bool> TrySortAsync(ConnectionContext connection)
    {
        connection.Features.Set(listener.Other);
        if (!await SpeaksHttp2Async(connection.Transport.Input))
        {
            return _http1!.TryWrite(connection);
        }

        connection.Transport = new MeteredTransport(
            connection.Transport, time, () => clients.End(connection, "its HTTP/2 frames ask for work without use"));
        return _http2!.TryWrite(connection);
    }

    /// <summary>Looks at the first bytes and leaves them where they are. Silence counts as HTTP/1.1, whose limits then hold.</summary>
    private async ValueTask<bool> SpeaksHttp2Async(PipeReader input)
    {
        // Whether the read is over is asked once: it may end at any moment, and its bytes must be given back before the next one.
        var reading = input.ReadAsync().AsTask();
        if (reading.IsCompletedSuccessfully)
        {
            if (Decide(input, reading.Result) is { } known)
            {
                return known;
            }

            reading = input.ReadAsync().AsTask();
        }

        using var late = new CancellationTokenSource(headerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stopping.Token);
        await using var registration = either.Token.UnsafeRegister(static state => ((PipeReader)state!).CancelPendingRead(), input);
        var read = await reading;
        while (true)
        {
            if (Decide(input, read) is { } isHttp2)
            {
                return isHttp2;
            }

            read = await input.ReadAsync();
        }
    }

    private static bool? Decide(PipeReader input, ReadResult read)
    {
        var preface = Http2Preface.Match(read.Buffer);
        if (preface is null && !read.IsCanceled && !read.IsCompleted)
        {
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            return null;
        }

        input.AdvanceTo(read.Buffer.Start);
        return preface ?? false;
    }
}
