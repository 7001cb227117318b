using System.Collections.Concurrent;
using Cortex.Routing;

namespace Cortex.Operator.Tests;

/// <summary>Remembers the routes, and drains when it is told to.</summary>
internal sealed class FakeDataPlane : IDataPlane
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _held = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, IReadOnlyList<SplitTraffic>> _splits = new(StringComparer.Ordinal);

    public RouteSnapshot Routes { get; private set; } = RouteSnapshot.Empty;

    /// <summary>How often routes were swapped.</summary>
    public int Applied { get; private set; }

    public ConcurrentQueue<(string Replica, TimeSpan PutBackAfter)> Drained { get; } = [];

    public ConcurrentDictionary<string, ApiTraffic> Traffic { get; } = new(StringComparer.Ordinal);

    public ConcurrentDictionary<string, AsyncTraffic> Queues { get; } = new(StringComparer.Ordinal);

    /// <summary>Plays a gateway that can't take routes.</summary>
    public bool Refuses { get; set; }

    public RealtimeRoute? Route(string api) => Routes.Realtime.SingleOrDefault(route => route.Name == api);

    public AsyncRoute? AsyncRoute(string api) => Routes.Async.SingleOrDefault(route => route.Name == api);

    public SplitRoute? Split(string splitter) => Routes.Splits.SingleOrDefault(route => route.Name == splitter);

    public void Hold(string replicaId) => _held[replicaId] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetGo(string replicaId) => _held[replicaId].SetResult();

    /// <summary>Plays that a target has got so many requests in all.</summary>
    public void Count(string splitter, string target, long requests, long errors = 0, long slow = 0) =>
        _splits[splitter] = [new SplitTraffic(target, requests, errors, slow, 0)];

    public void Apply(RouteSnapshot routes)
    {
        Assert.True(routes.Version > Routes.Version, "each change has a version of its own");
        Routes = Refuses ? throw new IOException("the gateway takes no routes") : routes;
        Applied++;
    }

    public async Task DrainAsync(string replicaId, TimeSpan putBackAfter, CancellationToken cancellationToken)
    {
        Assert.DoesNotContain(Routes.Realtime.SelectMany(route => route.Replicas).Concat(Routes.Async.SelectMany(route => route.Replicas)), replica => replica.Id == replicaId);
        if (_held.TryGetValue(replicaId, out var held))
        {
            await held.Task.WaitAsync(cancellationToken);
        }

        Drained.Enqueue((replicaId, putBackAfter));
    }

    public ApiTraffic? GetTraffic(string apiName) => Traffic.TryGetValue(apiName, out var traffic) ? traffic : null;

    public AsyncTraffic? GetQueue(string apiName) => Queues.TryGetValue(apiName, out var traffic) ? traffic : null;

    public IReadOnlyList<SplitTraffic> GetSplitTraffic(string splitterName) => _splits.GetValueOrDefault(splitterName, []);

    public void WriteMetrics(TextWriter writer) => writer.Write("# HELP gateway_up One.\n# TYPE gateway_up gauge\ngateway_up 1\n# HELP async_up One.\n# TYPE async_up gauge\nasync_up 1\n");
}
