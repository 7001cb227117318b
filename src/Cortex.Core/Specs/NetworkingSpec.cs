using System.Text.Json.Serialization;

namespace Cortex.Core.Specs;

/// <summary>Where an API is reached.</summary>
/// <param name="Endpoint">A path that starts with a slash, ends without one and is never the root.</param>
public sealed record NetworkingSpec(string Endpoint)
{
    /// <summary>Time a client may pause while a replica serves it; null for the cluster's. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? ClientIdleTimeout { get; init; }

    /// <summary>Time a stream may go without data either way; null for the cluster's. Ours: Cortex 0.42 has no such field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? StreamIdleTimeout { get; init; }
}
