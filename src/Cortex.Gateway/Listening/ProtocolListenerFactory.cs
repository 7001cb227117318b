using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Cortex.Gateway.Listening;

/// <summary>Hands Kestrel the connections of shared ports.</summary>
internal sealed class ProtocolListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is ProtocolEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var end = (ProtocolEndPoint)endpoint;
        return ValueTask.FromResult<IConnectionListener>(new ProtocolListener(end));
    }
}
