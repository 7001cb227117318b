using Cortex.Gateway.Replicas;
using Cortex.Routing;

namespace Cortex.Gateway.Admission;

/// <summary>
/// Live state of one replica of one API. It outlives its place in the routes for as long as requests are in progress,
/// so that a replica that returns is not given more than its limit. Counters are guarded by the API's gate.
/// </summary>
internal sealed class Replica
{
    private volatile UpstreamPool _pool;

    public Replica(ReplicaAddress address, UpstreamConnector connector)
    {
        Address = address;
        _pool = new UpstreamPool(address, connector);
    }

    /// <summary>Where it takes requests now.</summary>
    public ReplicaAddress Address { get; private set; }

    /// <summary>Its connections. A request reads this once, as the address may change.</summary>
    public UpstreamPool Pool => _pool;

    /// <summary>Requests in progress.</summary>
    public int InFlight { get; set; }

    /// <summary>Whether the routes name it.</summary>
    public bool Routed { get; set; }

    /// <summary>Timestamp until which it is passed over because it could not be reached; 0 for never.</summary>
    public long SkipUntil { get; set; }

    /// <summary>Completed when <see cref="InFlight"/> falls to 0; null while nobody waits for that.</summary>
    public TaskCompletionSource? Drained { get; set; }

    /// <summary>Takes it into the routes, perhaps under a new address, which gets new connections.</summary>
    public void Route(ReplicaAddress address, UpstreamConnector connector)
    {
        if (!Routed || address != Address)
        {
            _pool.Close();
            _pool = new UpstreamPool(address, connector);
            Address = address;
            SkipUntil = 0;
        }

        Routed = true;
    }

    /// <summary>Takes it out of the routes. Requests in progress keep their connections.</summary>
    public void Unroute()
    {
        Routed = false;
        _pool.Close();
    }
}
