using System.Text.Json.Serialization;

namespace Cortex.Core.Specs;

/// <summary>What a TrafficSplitter tells its clients apart by; exactly one is set. Ours: Cortex 0.42 has no such key.</summary>
public sealed record StickySpec
{
    /// <summary>The header whose value is the key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Header { get; init; }

    /// <summary>The cookie whose value is the key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Cookie { get; init; }
}
