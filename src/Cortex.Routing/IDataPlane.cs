namespace Cortex.Routing;

/// <summary>What the control plane asks of the gateways, be they one or several, in this process or in others.</summary>
public interface IDataPlane
{
    /// <summary>
    /// Swaps the routes whole. Requests in progress go on, also on replicas that left; waiting ones see the new replicas. An Async API that left keeps
    /// its queue and results for their retention and goes on with them if it comes back.
    /// </summary>
    void Apply(RouteSnapshot routes);

    /// <summary>Completes when no request is in progress on a replica any more. The caller has taken it out of the routes before.</summary>
    /// <param name="replicaId">The pod's id.</param>
    /// <param name="putBackAfter">Async requests that are in progress on it then are aborted and put back into their queue; Realtime requests are waited for.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task DrainAsync(string replicaId, TimeSpan putBackAfter, CancellationToken cancellationToken);

    /// <summary>What is going on in a Realtime API; null when no gateway knows it.</summary>
    ApiTraffic? GetTraffic(string apiName);

    /// <summary>What waits and what is in progress in an Async API; null when it is not known yet.</summary>
    AsyncTraffic? GetQueue(string apiName);

    /// <summary>What a splitter's targets got through it since it was made; empty when no gateway knows it. Counts may begin anew.</summary>
    IReadOnlyList<SplitTraffic> GetSplitTraffic(string splitterName);

    /// <summary>Writes the gateways' metrics in the Prometheus text format.</summary>
    void WriteMetrics(TextWriter writer);
}
