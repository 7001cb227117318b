using Cortex.Gateway.Routing;

namespace Cortex.Async;

/// <summary>What the control plane asks of the data plane of Async APIs.</summary>
public interface IAsyncService
{
    /// <summary>
    /// Swaps the APIs and their replicas whole. Calls in progress go on, also on replicas that left; new ones go to those that are listed.
    /// An API that left keeps its queue and results for their retention and goes on with them if it comes back.
    /// </summary>
    /// <returns>The endpoints to hand to the gateway in its next snapshot.</returns>
    IReadOnlyList<HandlerRoute> Apply(AsyncSnapshot snapshot);

    /// <summary>
    /// Completes when no call is in progress on the replica. The caller has taken it out of the snapshot before. What
    /// is in progress after <paramref name="grace"/> is aborted and put back into the queue first.
    /// </summary>
    Task DrainAsync(string replicaId, TimeSpan grace, CancellationToken cancellationToken);

    /// <summary>What waits and what is in progress in one API; null when there is no such API.</summary>
    AsyncTraffic? GetTraffic(string apiName);

    /// <summary>
    /// Lists requests of an API, newest first, as a JSON document. Ids are the keys to their requests, so that this is for whoever may see all of them.
    /// </summary>
    /// <exception cref="ArgumentException">The query is malformed; the message says how.</exception>
    /// <exception cref="IOException">The store can't be read.</exception>
    Task<ReadOnlyMemory<byte>> ListAsync(string apiName, RequestQuery query, CancellationToken cancellationToken);

    /// <summary>Writes the metrics of every API in the Prometheus text format.</summary>
    void WriteMetrics(TextWriter writer);
}
