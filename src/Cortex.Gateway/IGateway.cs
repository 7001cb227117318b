using Cortex.Gateway.Routing;

namespace Cortex.Gateway;

/// <summary>What the control plane asks of the data plane.</summary>
public interface IGateway
{
    /// <summary>Swaps the routes. Requests in progress go on; waiting ones see the new replicas.</summary>
    void Apply(RouteSnapshot snapshot);

    /// <summary>
    /// Completes when no request is in progress on a replica any more. The caller has taken it out of the routes
    /// before.
    /// </summary>
    Task DrainAsync(string replicaId, CancellationToken cancellationToken);

    /// <summary>What is going on in one API; null when the gateway never heard of it.</summary>
    ApiTraffic? GetTraffic(string apiName);

    /// <summary>What a splitter's targets got through it since the process started; empty when the gateway knows no such splitter.</summary>
    IReadOnlyList<SplitTraffic> GetSplitTraffic(string splitterName);

    /// <summary>Writes the gateway's metrics in the Prometheus text format.</summary>
    void WriteMetrics(TextWriter writer);
}

/// <summary>What is going on in one API.</summary>
/// <param name="InFlight">Requests in progress on replicas.</param>
/// <param name="Queued">Requests that wait for a slot.</param>
public readonly record struct ApiTraffic(int InFlight, int Queued);

/// <summary>What one target of a splitter got through it. The counts only grow.</summary>
/// <param name="Api">The target's name.</param>
/// <param name="Requests">Finished requests; for a shadow, copies that were sent to it.</param>
/// <param name="Errors">Those of them that ended with a status of 500 or more, or whose answer broke off.</param>
/// <param name="Slow">Those of them that took longer than <see cref="SplitRoute.SlowAfter"/>.</param>
/// <param name="Dropped">Copies that a shadow did not get, because they were too large or too many, or it had no room.</param>
public readonly record struct SplitTraffic(string Api, long Requests, long Errors, long Slow, long Dropped);
