using Cortex.Async;
using Cortex.Gateway;
using Cortex.Gateway.Routing;
using Cortex.Routing;

namespace Cortex.DataPlane;

/// <summary>The one gateway of a cluster, in the operator's process: binds what routes say to what answers here.</summary>
/// <param name="gateway">Answers for Realtime APIs and splitters.</param>
/// <param name="asyncApis">Answers for Async APIs.</param>
/// <param name="jobs">Finds what answers for an API that runs jobs.</param>
public sealed class LocalDataPlane(GatewayServer gateway, AsyncService asyncApis, Func<JobRoute, IEndpointHandler> jobs) : IDataPlane
{
    private readonly Lock _lock = new();
    private RouteSnapshot _bound = RouteSnapshot.Empty;
    private IReadOnlyList<HandlerRoute>? _asyncEndpoints;   // null before the first
    private IReadOnlyList<HandlerRoute>? _endpoints;

    /// <inheritdoc/>
    public void Apply(RouteSnapshot routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        lock (_lock)
        {
            // Remembered only once it is true: after a failure the next call does it again.
            var asyncEndpoints = _asyncEndpoints is null || !routes.Async.Equals(_bound.Async) ? asyncApis.Apply(routes.Async) : _asyncEndpoints;

            // New replicas of Async APIs do not concern the gateway, but a new or moved endpoint does.
            List<HandlerRoute> endpoints = [.. asyncEndpoints, .. routes.Jobs.Select(job => new HandlerRoute(job.Name, job.Kind, job.Endpoint, jobs(job)))];
            if (_endpoints is null || !routes.Realtime.Equals(_bound.Realtime) || !routes.Splits.Equals(_bound.Splits) || !endpoints.SequenceEqual(_endpoints))
            {
                gateway.Apply(new GatewayRoutes(routes.Realtime) { Handlers = endpoints, Splits = routes.Splits });
            }

            (_bound, _asyncEndpoints, _endpoints) = (routes, asyncEndpoints, endpoints);
        }
    }

    /// <inheritdoc/>
    public Task DrainAsync(string replicaId, TimeSpan putBackAfter, CancellationToken cancellationToken) =>
        Task.WhenAll(gateway.DrainAsync(replicaId, cancellationToken), asyncApis.DrainAsync(replicaId, putBackAfter, cancellationToken));

    /// <inheritdoc/>
    public ApiTraffic? GetTraffic(string apiName) => gateway.GetTraffic(apiName);

    /// <inheritdoc/>
    public AsyncTraffic? GetQueue(string apiName) => asyncApis.GetTraffic(apiName);

    /// <inheritdoc/>
    public IReadOnlyList<SplitTraffic> GetSplitTraffic(string splitterName) => gateway.GetSplitTraffic(splitterName);

    /// <inheritdoc/>
    public void WriteMetrics(TextWriter writer)
    {
        gateway.WriteMetrics(writer);
        asyncApis.WriteMetrics(writer);
    }
}
