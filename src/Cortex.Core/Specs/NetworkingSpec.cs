namespace Cortex.Core.Specs;

/// <summary>Where an API is reached.</summary>
/// <param name="Endpoint">A path that starts with a slash, ends without one and is never the root.</param>
public sealed record NetworkingSpec(string Endpoint);
