using Cortex.Gateway.Admission;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Splitting;

namespace Cortex.Gateway.Serving;

/// <summary>
/// All APIs' gates, handlers and splitters, and the table that leads to them. They live from snapshot to snapshot under their API's
/// name, a gate also after its API's removal until its last request is over.
/// </summary>
internal sealed class ApiGates(AdmissionLimits limits, UpstreamConnector connector, WakeDemand demand, TimeProvider time)
{
    private readonly Lock _applying = new();
    private volatile IReadOnlyDictionary<string, ApiGate> _byName = new Dictionary<string, ApiGate>();
    private volatile IReadOnlyDictionary<string, HandledApi> _handled = new Dictionary<string, HandledApi>();
    private volatile IReadOnlyDictionary<string, SplitApi> _splits = new Dictionary<string, SplitApi>();
    private volatile RouteTable<RoutedApi> _routes = new([]);

    /// <summary>The routes of this moment; read once per request.</summary>
    public RouteTable<RoutedApi> Routes => _routes;

    /// <summary>Every gate, those of removed APIs with requests in progress included.</summary>
    public IEnumerable<ApiGate> All => _byName.Values;

    /// <summary>Every API that a handler serves.</summary>
    public IEnumerable<HandledApi> Handled => _handled.Values;

    /// <summary>Every splitter.</summary>
    public IEnumerable<SplitApi> Splits => _splits.Values;

    public SplitApi? FindSplit(string name) => _splits.GetValueOrDefault(name);

    public ApiGate? Find(string apiName) => _byName.GetValueOrDefault(apiName);

    /// <summary>Swaps the routes; the new ones hold for every request from now on.</summary>
    public void Apply(GatewayRoutes snapshot)
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
                    gate = new ApiGate(route, limits, connector, demand, time);
                }

                next.Add(route.Name, gate);
            }

            var handled = new Dictionary<string, HandledApi>(StringComparer.Ordinal);
            foreach (var route in snapshot.Handlers)
            {
                var api = _handled.GetValueOrDefault(route.Name) ?? new HandledApi(route);
                api.Route = route;
                handled.Add(route.Name, api);
            }

            var splits = new Dictionary<string, SplitApi>(StringComparer.Ordinal);
            foreach (var route in snapshot.Splits)
            {
                var split = _splits.GetValueOrDefault(route.Name);
                split?.Apply(route, next);
                splits.Add(route.Name, split ?? new SplitApi(route, next));
            }

            _handled = handled;
            _splits = splits;
            _routes = new RouteTable<RoutedApi>(
            [
                .. snapshot.Apis.Select(route => KeyValuePair.Create(route.Endpoint, (RoutedApi)next[route.Name])),
                .. snapshot.Handlers.Select(route => KeyValuePair.Create(route.Endpoint, (RoutedApi)handled[route.Name])),
                .. snapshot.Splits.Select(route => KeyValuePair.Create(route.Endpoint, (RoutedApi)splits[route.Name])),
            ]);
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
