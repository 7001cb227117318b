using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Routing;

namespace Cortex.Gateway.Admission;

/// <summary>
/// All APIs' gates, and the table that leads to them. A gate lives from snapshot to snapshot under its API's name, and
/// after the API's removal until its last request is over.
/// </summary>
internal sealed class ApiGates(AdmissionLimits limits, UpstreamConnector connector, TimeProvider time)
{
    private readonly Lock _applying = new();
    private volatile IReadOnlyDictionary<string, ApiGate> _byName = new Dictionary<string, ApiGate>();
    private volatile RouteTable<ApiGate> _routes = new([]);

    /// <summary>The routes of this moment; read once per request.</summary>
    public RouteTable<ApiGate> Routes => _routes;

    /// <summary>Every gate, those of removed APIs with requests in progress included.</summary>
    public IEnumerable<ApiGate> All => _byName.Values;

    public ApiGate? Find(string apiName) => _byName.GetValueOrDefault(apiName);

    /// <summary>Swaps the routes; the new ones hold for every request from now on.</summary>
    public void Apply(RouteSnapshot snapshot)
    {
        lock (_applying)
        {
            var old = _byName;
            var next = new Dictionary<string, ApiGate>(StringComparer.Ordinal);
            foreach (var route in snapshot.Apis)
            {
                if (old.TryGetValue(route.Name, out var gate))
                {
                    gate.Apply(route);
                }
                else
                {
                    gate = new ApiGate(route, limits, connector, time);
                }

                next.Add(route.Name, gate);
            }

            _routes = new RouteTable<ApiGate>(snapshot.Apis.Select(route => KeyValuePair.Create(route.Endpoint, next[route.Name])));
            foreach (var (name, gate) in old)
            {
                if (next.ContainsKey(name))
                {
                    continue;
                }

                gate.Remove();
                if (gate.Traffic.InFlight > 0)
                {
                    next.Add(name, gate);
                }
                else
                {
                    gate.Dispose();
                }
            }

            _byName = next;
        }
    }

    /// <summary>Completes when no API has a request in progress on the replica.</summary>
    public Task WhenDrained(string replicaId) => Task.WhenAll(All.Select(gate => gate.WhenDrained(replicaId)));
}
