using Cortex.Gateway.Counting;

namespace Cortex.Gateway.Routing;

/// <summary>What an endpoint leads to. It stays from snapshot to snapshot under its API's name.</summary>
internal abstract class RoutedApi(string name)
{
    /// <summary>The API's name.</summary>
    public string Name { get; } = name;

    /// <summary>The API's kind, for metrics.</summary>
    public abstract string Kind { get; }

    /// <summary>Its counters.</summary>
    public ApiMetrics Metrics { get; } = new();
}
