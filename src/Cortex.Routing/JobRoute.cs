namespace Cortex.Routing;

/// <summary>One API that runs jobs. The operator answers its requests.</summary>
/// <param name="Name">The API's name.</param>
/// <param name="Kind">The API's kind, for metrics.</param>
/// <param name="Endpoint">Starts with a slash and ends without one.</param>
public sealed record JobRoute(string Name, string Kind, string Endpoint);
