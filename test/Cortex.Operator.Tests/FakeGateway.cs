using System.Collections.Concurrent;
using Cortex.Gateway;
using Cortex.Gateway.Routing;

namespace Cortex.Operator.Tests;

/// <summary>Remembers the routes, and drains when it is told to.</summary>
internal sealed class FakeGateway : IGateway
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _held = new(StringComparer.Ordinal);

    public RouteSnapshot Routes { get; private set; } = new([]);

    public List<string> Drained { get; } = [];

    public ConcurrentDictionary<string, ApiTraffic> Traffic { get; } = new(StringComparer.Ordinal);

    public ApiRoute? Route(string api) => Routes.Apis.SingleOrDefault(route => route.Name == api);

    public void Hold(string replicaId) => _held[replicaId] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetGo(string replicaId) => _held[replicaId].SetResult();

    public void Apply(RouteSnapshot snapshot) => Routes = snapshot;

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

    public void WriteMetrics(TextWriter writer) => writer.Write("# HELP gateway_up One.\n# TYPE gateway_up gauge\ngateway_up 1\n");
}
