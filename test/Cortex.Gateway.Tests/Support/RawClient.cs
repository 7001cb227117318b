using System.Net;
using System.Net.Sockets;

namespace Cortex.Gateway.Tests.Support;

/// <summary>Opens clients' connections.</summary>
internal static class RawClient
{
    /// <summary>A client's connection, over the protocol of the running test.</summary>
    public static async Task<RawConnection> OpenAsync(IPEndPoint endPoint)
    {
        if (ForwardingTests.IsHttp2)
        {
            var stream = new Http2ClientStream(endPoint);
            return new RawConnection(stream, stream.Reset);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint).WithinLimit();
        return new RawConnection(socket);
    }
}
