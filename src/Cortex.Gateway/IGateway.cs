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
