using System.Collections.Concurrent;
using Cortex.Gateway;
using Cortex.Gateway.Routing;

namespace Cortex.Operator.Tests;

/// <summary>Remembers the routes, and drains when it is told to.</summary>
internal sealed class FakeGateway : IGateway
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _held = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, IReadOnlyList<SplitTraffic>> _splits = new(StringComparer.Ordinal);

    public RouteSnapshot Routes { get; private set; } = new([]);

    public List<string> Drained { get; } = [];

    public ConcurrentDictionary<string, ApiTraffic> Traffic { get; } = new(StringComparer.Ordinal);

    public ApiRoute? Route(string api) => Routes.Apis.SingleOrDefault(route => route.Name == api);

    public void Hold(string replicaId) => _held[replicaId] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetGo(string replicaId) => _held[replicaId].SetResult();

    /// <summary>Plays a gateway that can't take routes.</summary>
    public bool Refuses { get; set; }

    public void Apply(RouteSnapshot snapshot) => Routes = Refuses ? throw new IOException("the gateway takes no routes") : snapshot;

    public async Task DrainAsync(string replicaId, CancellationToken cancellationToken)
    {
        Assert.DoesNotContain(Routes.Apis, route => route.Replicas.Any(replica => replica.Id == replicaId));
        if (_held.TryGetValue(replicaId, out var held))
        {
            await held.Task.WaitAsync(cancellationToken);
        }

        lock (Drained)
        {
            Drained.Add(replicaId);
        }
    }

    public ApiTraffic? GetTraffic(string apiName) => Traffic.TryGetValue(apiName, out var traffic) ? traffic : null;

    public IReadOnlyList<SplitTraffic> GetSplitTraffic(string splitterName) => _splits.GetValueOrDefault(splitterName, []);

    public SplitRoute? Split(string splitter) => Routes.Splits.SingleOrDefault(route => route.Name == splitter);

    /// <summary>Plays that a target has got so many requests in all.</summary>
    public void Count(string splitter, string target, long requests, long errors = 0, long slow = 0) =>
        _splits[splitter] = [new SplitTraffic(target, requests, errors, slow, 0)];

    public void WriteMetrics(TextWriter writer) => writer.Write("# HELP gateway_up One.\n# TYPE gateway_up gauge\ngateway_up 1\n");
}
