namespace Cortex.Core.Clusters;

/// <summary>How final states are delivered to <c>X-Cortex-Callback-URL</c>.</summary>
public sealed record CallbackSettings
{
    /// <summary>Whether loopback, link-local and private addresses may be called.</summary>
    public bool AllowPrivateTargets { get; init; }

    /// <summary>Host names, addresses and networks (such as <c>10.1.0.0/16</c>) that may be called although they are private.</summary>
    public IReadOnlyList<string> AllowedTargets { get; init; } = [];

    /// <summary>Attempts before a delivery is given up; 1-100.</summary>
    public int Attempts { get; init; } = 12;

    /// <summary>The pause before the second attempt; doubles with each further one.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest pause between attempts.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest time of one attempt.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Deliveries at a time; 1-1000.</summary>
    public int Concurrency { get; init; } = 16;
}
