using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Cortex.Gateway.Listening;

/// <summary>Where Kestrel takes those connections of a shared port that speak one protocol.</summary>
/// <param name="port">The shared port.</param>
/// <param name="protocol">HTTP/1.1 or HTTP/2.</param>
internal sealed class ProtocolEndPoint(SharedPort port, HttpProtocols protocol) : EndPoint
{
    public SharedPort Port => port;

    public HttpProtocols Protocol => protocol;

    public override string ToString() => $"{port.EndPoint} ({protocol})";
}
