namespace Cortex.Gateway.Routing;

/// <summary>An endpoint that a handler serves.</summary>
/// <param name="Name">The API's name, for metrics; unique among all routes.</param>
/// <param name="Kind">The API's kind, for metrics.</param>
/// <param name="Endpoint">Starts with a slash and ends without one; unique among all routes.</param>
/// <param name="Handler">Serves it, and everything below it that has no endpoint of its own.</param>
public sealed record HandlerRoute(string Name, string Kind, string Endpoint, IEndpointHandler Handler);
