using System.Diagnostics.CodeAnalysis;
using Cortex.Routing;

namespace Cortex.Gateway.Replicas;

/// <summary>
/// Unused connections to one replica, the freshest taken first. There are never more than the replica has slots, as
/// a connection belongs to a request that holds one.
/// </summary>
internal sealed class UpstreamPool(ReplicaAddress address, UpstreamConnector connector)
{
    /// <summary>
    /// A connection that this end closes in order keeps its port for a minute, so that a replica may be connected to some 470
    /// times a second, and no more, on the usual 28,000 ports. What exceeds this rate is closed by a reset, which keeps none.
    /// </summary>
    private const int MaxOrderlyClosesPerSecond = 100;
    private readonly Lock _lock = new();
    private readonly List<UpstreamConnection> _idle = [];
    private bool _closed;
    private long _second;
    private int _closes;

    /// <summary>Names and values that this replica's answers repeat.</summary>
    public StringCache Strings { get; } = new();

    /// <summary>Takes an open connection if there is one.</summary>
    public bool TryTake([NotNullWhen(true)] out UpstreamConnection? connection)
    {
        var oldest = connector.Time.GetTimestamp() - Ticks(connector.IdleTimeout);
        while (true)
        {
            lock (_lock)
            {
                if (_idle.Count == 0)
                {
                    connection = null;
                    return false;
                }

                connection = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
            }

            if (connection.IdleSince >= oldest && connection.IsQuiet)
            {
                return true;
            }

            connection.Close();
        }
    }

    /// <summary>Opens a connection.</summary>
    /// <exception cref="UpstreamUnreachableException">It could not be opened.</exception>
    public async ValueTask<UpstreamConnection> ConnectAsync(CancellationToken cancellationToken) =>
        new(await connector.ConnectAsync(address, cancellationToken), connector.MaxHeadSize, connector.LostReplicaTimeout);

    /// <summary>Whether a connection can be opened.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async ValueTask<bool> IsListeningAsync(CancellationToken cancellationToken)
    {
        try
        {
            (await connector.ConnectAsync(address, cancellationToken)).Dispose();
            return true;
        }
        catch (UpstreamUnreachableException)
        {
            return false;
        }
    }

    /// <summary>
    /// Takes back a connection whose answer was read to its end. The next request gets it if nothing more can come on it; otherwise it is closed.
    /// </summary>
    /// <param name="connection">Not the caller's any more.</param>
    /// <param name="isUsable">Whether all of the request was sent, so that the next one would begin where the replica expects it.</param>
    public void Return(UpstreamConnection connection, bool isUsable)
    {
        var now = connector.Time.GetTimestamp();
        if (!isUsable || !connection.IsFinished)
        {
            if (MayCloseInOrder(now))
            {
                connection.Close();
            }
            else
            {
                connection.Reset();
            }

            return;
        }

        connection.Rest(now);
        lock (_lock)
        {
            if (!_closed)
            {
                _idle.Add(connection);
                return;
            }
        }

        connection.Close();
    }

    /// <summary>Closes connections that were unused for too long, so that the replica does not do so first.</summary>
    public void CloseIdle()
    {
        var oldest = connector.Time.GetTimestamp() - Ticks(connector.IdleTimeout);
        List<UpstreamConnection>? old = null;
        lock (_lock)
        {
            // The list is ordered by the time of return.
            var count = _idle.FindIndex(connection => connection.IdleSince >= oldest);
            count = count < 0 ? _idle.Count : count;
            if (count > 0)
            {
                old = _idle.GetRange(0, count);
                _idle.RemoveRange(0, count);
            }
        }

        old?.ForEach(static connection => connection.Close());
    }

    /// <summary>Closes unused connections now and those in use when their requests end.</summary>
    public void Close()
    {
        List<UpstreamConnection> idle;
        lock (_lock)
        {
            _closed = true;
            idle = [.. _idle];
            _idle.Clear();
        }

        idle.ForEach(static connection => connection.Close());
    }

    private bool MayCloseInOrder(long now)
    {
        lock (_lock)
        {
            if (now - _second >= connector.Time.TimestampFrequency)
            {
                (_second, _closes) = (now, 0);
            }

            return ++_closes <= MaxOrderlyClosesPerSecond;
        }
    }

    private long Ticks(TimeSpan duration) => (long)(duration.TotalSeconds * connector.Time.TimestampFrequency);
}
