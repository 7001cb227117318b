using System.Text.Json.Serialization;

namespace Cortex.Routing;

/// <summary>How the requests of one Async API are kept and tried: the key <c>queue</c> of its configuration.</summary>
public sealed record QueuePolicy
{
    /// <summary>Attempts that may fail before a request is given up; 1 to 100.</summary>
    [JsonRequired]
    public int MaxAttempts { get; init; } = 1;

    /// <summary>Pause before the second attempt; doubles with each further one.</summary>
    [JsonRequired]
    public TimeSpan RetryBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest pause between attempts.</summary>
    [JsonRequired]
    public TimeSpan RetryBackoffMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest time of one attempt.</summary>
    [JsonRequired]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromHours(168);

    /// <summary>Results, failures and idempotency keys are kept this long.</summary>
    [JsonRequired]
    public TimeSpan ResultRetention { get; init; } = TimeSpan.FromHours(168);

    /// <summary>Largest payload, in bytes.</summary>
    [JsonRequired]
    public long MaxPayload { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>Largest result, in bytes.</summary>
    [JsonRequired]
    public long MaxResult { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>Attempts that may be lost with their replica, without counting as failed, before a request is given up; 0 to 100.</summary>
    [JsonRequired]
    public int MaxLostAttempts { get; init; } = 5;
}
