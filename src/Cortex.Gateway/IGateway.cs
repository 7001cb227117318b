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

    /// <summary>Writes the gateway's metrics in the Prometheus text format.</summary>
    void WriteMetrics(TextWriter writer);
}

/// <summary>What is going on in one API.</summary>
/// <param name="InFlight">Requests in progress on replicas.</param>
/// <param name="Queued">Requests that wait for a slot.</param>
public readonly record struct ApiTraffic(int InFlight, int Queued);
