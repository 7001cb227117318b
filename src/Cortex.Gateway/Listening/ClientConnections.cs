using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Listening;

/// <summary>
/// The open connections of a server's clients: so many in all, so many of one address. Where a bound is reached, those that are
/// idle for longest make room, so that nobody is shut out by connections that nobody uses.
/// </summary>
/// <remarks>Requests only count and stamp their own connection. What is idle is looked for when a bound is reached, for several at a time.</remarks>
public sealed class ClientConnections
{
    // Of connections that may be idle, one in so many goes at a time: looking at all of them is then cheap for each newcomer.
    private const int Share = 64;

    private readonly Lock _lock = new();
    private readonly HashSet<ClientConnection> _all = [];
    private readonly Dictionary<ClientAddress, HashSet<ClientConnection>> _byAddress = [];
    private readonly int _max;
    private readonly int _maxPerAddress;
    private readonly Networks _trusted;
    private readonly TimeProvider _time;
    private readonly Complaints _complaints;

    /// <summary>Nothing is open yet.</summary>
    /// <param name="max">Most connections.</param>
    /// <param name="maxPerAddress">Most connections of one address, or of one /64 of IPv6.</param>
    /// <param name="trusted">Whose connections are bounded only in all.</param>
    /// <param name="time">The clock of idle times.</param>
    /// <param name="logger">Told, at most once a minute, that a newcomer was turned away.</param>
    public ClientConnections(int max, int maxPerAddress, Networks trusted, TimeProvider time, ILogger logger)
    {
        (_max, _maxPerAddress, _trusted, _time) = (max, maxPerAddress, trusted, time);
        _complaints = new Complaints(time, logger);
    }

    /// <summary>How many are open.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _all.Count;
            }
        }
    }

    /// <summary>Lets a connection in, which is then a feature of itself, until it closes. Null when there is no room: the caller ends it.</summary>
    public ClientConnection? TryEnter(ConnectionContext connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var isTrusted = _trusted.Contains((connection.RemoteEndPoint as IPEndPoint)?.Address);
        var client = new ClientConnection(connection, isTrusted ? null : ClientAddress.Of(connection.RemoteEndPoint), _time);
        List<ClientConnection> leaving = [];
        string? full = null;
        lock (_lock)
        {
            HashSet<ClientConnection>? same = null;
            if (client.Address is { } address && !_byAddress.TryGetValue(address, out same))
            {
                _byAddress.Add(address, same = []);
            }

            if (same?.Count >= _maxPerAddress && !TryMakeRoom(same, leaving))
            {
                full = "its address has as many as one may have, and none is idle";
            }
            else if (_all.Count >= _max && !TryMakeRoom(_all, leaving))
            {
                full = "there are as many as there may be, and none is idle";
                Forget(client);
            }
            else
            {
                _all.Add(client);
                if (client.Address is { } own)
                {
                    // Making room may have taken the last one of this address.
                    same = _byAddress.TryGetValue(own, out var still) ? still : _byAddress[own] = [];
                    same.Add(client);
                }
            }
        }

        foreach (var idle in leaving)
        {
            idle.Context.Abort(new ConnectionAbortedException("idle for longest while others need room"));
        }

        if (full is not null)
        {
            _complaints.Add(connection.RemoteEndPoint, full);
            return null;
        }

        connection.Features.Set(client);
        connection.ConnectionClosed.UnsafeRegister(static state =>
        {
            var (connections, client) = ((ClientConnections, ClientConnection))state!;
            connections.Leave(client);
        }, (this, client));
        return client;
    }

    /// <summary>Ends a connection whose client asks for work without use.</summary>
    internal void End(ConnectionContext connection, string reason)
    {
        connection.Abort(new ConnectionAbortedException(reason));
        _complaints.Add(connection.RemoteEndPoint, reason);
    }

    private void Leave(ClientConnection client)
    {
        lock (_lock)
        {
            Remove(client);
        }
    }

    private void Remove(ClientConnection client)
    {
        if (client.HasLeft)
        {
            return;
        }

        client.HasLeft = true;
        _all.Remove(client);
        if (client.Address is { } address && _byAddress.TryGetValue(address, out var same))
        {
            same.Remove(client);
        }

        Forget(client);
    }

    /// <summary>Keeps nothing of an address without connections.</summary>
    private void Forget(ClientConnection client)
    {
        if (client.Address is { } address && _byAddress.TryGetValue(address, out var same) && same.Count == 0)
        {
            _byAddress.Remove(address);
        }
    }

    private bool TryMakeRoom(HashSet<ClientConnection> among, List<ClientConnection> leaving)
    {
        var idle = new List<(long Since, ClientConnection Client)>();
        foreach (var client in among)
        {
            if (client.IdleSince is < long.MaxValue and var since)
            {
                idle.Add((since, client));
            }
        }

        idle.Sort(static (left, right) => left.Since.CompareTo(right.Since));
        foreach (var (_, client) in idle.Take(1 + (idle.Count / Share)))
        {
            Remove(client);
            leaving.Add(client);
        }

        return idle.Count > 0;
    }
}
