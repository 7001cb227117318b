namespace Cortex.Routing;

/// <summary>What is going on in one API.</summary>
/// <param name="InFlight">Requests in progress on replicas.</param>
/// <param name="Queued">Requests that wait for a slot.</param>
public readonly record struct ApiTraffic(int InFlight, int Queued);
