using Microsoft.AspNetCore.Connections;

namespace Cortex.Gateway.Listening;

/// <summary>One open connection of a client, as a feature of the connection and of its requests.</summary>
public sealed class ClientConnection
{
    private readonly TimeProvider _time;
    private long _idleSince;
    private int _requests;

    internal ClientConnection(ConnectionContext context, ClientAddress? address, TimeProvider time)
    {
        (Context, Address, _time) = (context, address, time);
        _idleSince = time.GetTimestamp();
    }

    /// <summary>The connection.</summary>
    internal ConnectionContext Context { get; }

    /// <summary>What its client's connections are counted under; null where they are not.</summary>
    internal ClientAddress? Address { get; }

    /// <summary>Whether it is counted no more. Guarded by whoever counts.</summary>
    internal bool HasLeft { get; set; }

    /// <summary>Timestamp since which no request is in progress; <see cref="long.MaxValue"/> while one is.</summary>
    internal long IdleSince => Volatile.Read(ref _requests) > 0 ? long.MaxValue : Volatile.Read(ref _idleSince);

    /// <summary>A request begins.</summary>
    public void Begin() => Interlocked.Increment(ref _requests);

    /// <summary>A request is over.</summary>
    public void End()
    {
        if (Interlocked.Decrement(ref _requests) == 0)
        {
            Volatile.Write(ref _idleSince, _time.GetTimestamp());
        }
    }
}
