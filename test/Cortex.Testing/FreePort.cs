using System.Net;
using System.Net.Sockets;

namespace Cortex.Testing;

/// <summary>Finds a port for a server of a test, or one where nobody answers.</summary>
public static class FreePort
{
    /// <summary>A port of the loopback address that nobody listened on a moment ago. Nothing keeps others from taking it.</summary>
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
