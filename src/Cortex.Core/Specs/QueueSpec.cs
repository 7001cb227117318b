namespace Cortex.Core.Specs;

/// <summary>How the requests of an AsyncAPI are kept and tried. Ours: Cortex 0.42 has no such key.</summary>
public sealed record QueueSpec
{
    /// <summary>Attempts that may fail before a request is given up; 1-100.</summary>
    public int MaxAttempts { get; init; } = 1;

    /// <summary>The pause before the second attempt; doubles with each further one. At most <see cref="RetryBackoffMax"/>.</summary>
    public TimeSpan RetryBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between attempts; at most 24 hours.</summary>
    public TimeSpan RetryBackoffMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The longest time of one attempt; 1 second to 168 hours.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromHours(168);

    /// <summary>How long results, failures and idempotency keys are kept; 1 minute to 8760 hours.</summary>
    public TimeSpan ResultRetention { get; init; } = TimeSpan.FromHours(168);

    /// <summary>The largest payload, as a quantity; 1Ki-10Gi.</summary>
    public string MaxPayload { get; init; } = "10Gi";

    /// <summary>The largest result, as a quantity; 1Ki-10Gi.</summary>
    public string MaxResult { get; init; } = "10Gi";

    /// <summary>Attempts that may be lost with their replica, without counting as failed, before a request is given up; 0-100.</summary>
    public int MaxLostAttempts { get; init; } = 5;
}
