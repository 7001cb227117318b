using Cortex.Routing;

namespace Cortex.Gateway.Replicas;

/// <summary>
/// Calls one replica over HTTP/1.1 for those who have work for it that no waiting client sent. Keeps its connections, never more
/// unused ones than calls there were at once.
/// </summary>
public sealed class ReplicaClient : IDisposable
{
    private readonly UpstreamPool _pool;

    /// <summary>Makes a client that has no connection yet.</summary>
    /// <param name="address">The replica.</param>
    /// <param name="options">The timeouts of connecting, of unused connections and of lost replicas, and the largest head of an answer.</param>
    /// <param name="time">The clock of these timeouts.</param>
    public ReplicaClient(ReplicaAddress address, GatewayOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        _pool = new UpstreamPool(address, new UpstreamConnector(options, time));
        Host = address.Host.Contains(':', StringComparison.Ordinal) ? $"[{address.Host}]:{address.Port}" : $"{address.Host}:{address.Port}";
    }

    /// <summary>The replica's address as a Host header names it.</summary>
    public string Host { get; }

    /// <summary>Begins a call.</summary>
    public ReplicaCall Call() => new(_pool);

    /// <summary>Whether a new connection can be opened: the replica's program listens. Opens one and closes it.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ValueTask<bool> IsListeningAsync(CancellationToken cancellationToken) => _pool.IsListeningAsync(cancellationToken);

    /// <summary>Closes connections that were unused for longer than <see cref="GatewayOptions.UpstreamIdleTimeout"/>; to be called about twice in that time.</summary>
    public void CloseIdle() => _pool.CloseIdle();

    /// <summary>Closes unused connections now and those in use when their calls end.</summary>
    public void Dispose() => _pool.Close();
}
