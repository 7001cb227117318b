using System.Text.Json.Serialization;

namespace Cortex.Core.Specs;

/// <summary>How a TrafficSplitter moves its requests to one target by itself. Ours: Cortex 0.42 has no such key.</summary>
public sealed record CanarySpec
{
    /// <summary>The target that the requests move to.</summary>
    public required string To { get; init; }

    /// <summary>Percent of the requests at each step, growing; 1-100 each.</summary>
    public IReadOnlyList<int> Steps { get; init; } = [1, 5, 25, 100];

    /// <summary>The shortest time of a step; 1 second to 168 hours.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The largest part of the target's requests that may fail; 0-1, null for any.</summary>
    public double? MaxErrorRate { get; init; } = 0.01;

    /// <summary>The time that at most 1 percent of the target's requests may exceed; null for any.</summary>
    [JsonPropertyName("max_p99")]
    public TimeSpan? MaxP99 { get; init; }

    /// <summary>Requests that a step needs before the next one; fewer are judged as if the missing ones had gone well. 1-1000000.</summary>
    public int MinRequests { get; init; } = 100;
}
