namespace Cortex.Async;

/// <summary>Every Async API at one moment.</summary>
/// <param name="Apis">One entry per API; names and endpoints are unique.</param>
public sealed record AsyncSnapshot(IReadOnlyList<AsyncRoute> Apis);
