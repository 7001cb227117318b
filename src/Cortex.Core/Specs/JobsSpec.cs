using System.Text.Json.Serialization;

namespace Cortex.Core.Specs;

/// <summary>How the jobs of a Task or Batch API are run. Ours: Cortex 0.42 has no such field.</summary>
public sealed record JobsSpec
{
    /// <summary>Jobs of this API that run at a time; further ones wait as pending. 1-10000; null for no bound but the cluster's.</summary>
    public int? MaxConcurrent { get; init; }

    /// <summary>Jobs of a higher priority start first, among all APIs; 0-9.</summary>
    public int Priority { get; init; }

    /// <summary>Times that a task is tried when its containers fail; 1-100. Null for a BatchAPI, which tries batches instead.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxAttempts { get; init; }
}
