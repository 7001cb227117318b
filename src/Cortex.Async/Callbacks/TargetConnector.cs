using System.Net;
using System.Net.Sockets;
using Cortex.Background;

namespace Cortex.Async.Callbacks;

/// <summary>Connects to callback targets. The addresses that are judged are those that are connected to, so a name cannot change in between.</summary>
internal sealed class TargetConnector(TargetRules rules)
{
    /// <summary>A handler that connects this way and follows nothing.</summary>
    public SocketsHttpHandler CreateHandler() => new()
    {
        ConnectCallback = ConnectAsync,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),   // names are looked up and judged again
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var isByName = !IPAddress.TryParse(host, out var literal);
        var addresses = isByName ? await LookUpAsync(host, cancellationToken) : [literal!];
        var port = context.DnsEndPoint.Port;
        if (!rules.IsAllowedHost(host, port))
        {
            foreach (var address in addresses)
            {
                if (!rules.IsAllowed(address, port))
                {
                    throw new TargetRefusedException(
                        $"{host} leads to {address}, which is on this machine or in a private network; the cluster configuration can allow it in callbacks.allowed_targets", isByName);
                }
            }
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellationToken);
            return new PoolStream(new NetworkStream(socket, ownsSocket: true));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<IPAddress[]> LookUpAsync(string host, CancellationToken cancellationToken)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(host, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new TargetRefusedException($"{host} can't be looked up: {e.Message}", isByName: true, e);
        }
    }
}
