using System.Net;
using System.Net.Sockets;
using Cortex.Routing;

namespace Cortex.Gateway.Replicas;

/// <summary>Opens connections to replicas.</summary>
/// <param name="options">The bounds.</param>
/// <param name="time">The clock of timeouts and idle times.</param>
internal sealed class UpstreamConnector(GatewayOptions options, TimeProvider time)
{
    /// <summary>The clock of idle times.</summary>
    public TimeProvider Time => time;

    /// <summary>How long an unused connection is kept.</summary>
    public TimeSpan IdleTimeout => options.UpstreamIdleTimeout;

    /// <summary>How long a replica's system may acknowledge nothing.</summary>
    public TimeSpan LostReplicaTimeout => options.LostReplicaTimeout;

    /// <summary>Most bytes of an answer's head.</summary>
    public int MaxHeadSize => options.MaxHeaderSize;

    /// <exception cref="UpstreamUnreachableException">Refused, or not open within the connect timeout.</exception>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async ValueTask<Socket> ConnectAsync(ReplicaAddress address, CancellationToken cancellationToken)
    {
        var endPoint = new IPEndPoint(IPAddress.Parse(address.Host), address.Port);
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var late = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await socket.ConnectAsync(endPoint, either.Token);
            LostPeer.Watch(socket, options.LostReplicaTimeout);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new UpstreamUnreachableException($"{endPoint}: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new UpstreamUnreachableException($"{endPoint}: not connected within {options.ConnectTimeout.TotalSeconds:0.###} s", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
