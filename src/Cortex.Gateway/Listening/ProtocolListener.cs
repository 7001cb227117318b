using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Cortex.Gateway.Listening;

/// <summary>One protocol's half of a shared port.</summary>
internal sealed class ProtocolListener : IConnectionListener
{
    // Bounded by the connections that clients may have.
    private readonly Channel<ConnectionContext> _connections = Channel.CreateUnbounded<ConnectionContext>();
    private readonly SharedPort _port;

    public ProtocolListener(ProtocolEndPoint endPoint)
    {
        EndPoint = endPoint;
        _port = endPoint.Port;
        _port.Attach(endPoint.Protocol, _connections.Writer);
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _connections.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_connections.Reader.TryRead(out var connection))
            {
                return connection;
            }
        }

        return null;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default) => await _port.StopAsync();

    public async ValueTask DisposeAsync() => await _port.StopAsync();
}
