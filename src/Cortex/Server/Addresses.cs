using System.Net;
using System.Net.Sockets;
using Cortex.Core.Clusters;

namespace Cortex.Server;

/// <summary>Where the server listens and how others name it.</summary>
internal static class Addresses
{
    /// <summary>Where the gateway listens for clients.</summary>
    public static IReadOnlyList<IPEndPoint> Apis(ClusterConfig config) => [Resolve(config.Apis.Host, config.Apis.Port)];

    /// <summary>Where the operator listens: as configured, and for containers on the bridge.</summary>
    public static IReadOnlyList<IPEndPoint> Operator(ClusterConfig config, IPAddress? bridge)
    {
        var outside = Resolve(config.Operator.Host, config.Operator.Port);
        var covered = outside.Port == InsideNames.OperatorPort && (outside.Address.Equals(IPAddress.Any) || outside.Address.Equals(IPAddress.IPv6Any));
        return bridge is null || covered ? [outside] : [outside, new IPEndPoint(bridge, InsideNames.OperatorPort)];
    }

    /// <summary>What endpoint URLs start with.</summary>
    public static string ApiBaseUrl(ClusterConfig config)
    {
        var host = config.Apis.Host;
        if (IPAddress.TryParse(host, out var address))
        {
            host = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? OwnAddress()
                : address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : host;
        }

        return $"http://{host}:{config.Apis.Port}";
    }

    private static IPEndPoint Resolve(string host, int port)
    {
        try
        {
            return new IPEndPoint(IPAddress.TryParse(host, out var address) ? address : Dns.GetHostAddresses(host, AddressFamily.InterNetwork)[0], port);
        }
        catch (SocketException exception)
        {
            throw new InvalidClusterException($"the host `{host}` in the cluster configuration can't be resolved ({exception.Message}); use an IP address of this machine");
        }
    }

    // Bound to every address, the machine is best named by the one that others reach it by.
    private static string OwnAddress() => Dns.GetHostAddresses(Dns.GetHostName(), AddressFamily.InterNetwork)
        .FirstOrDefault(address => !IPAddress.IsLoopback(address))?.ToString() ?? "127.0.0.1";
}
