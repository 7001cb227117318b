namespace Cortex.Core.Clusters;

/// <summary>Bounds of Async APIs' endpoints.</summary>
public sealed record AsyncSettings
{
    /// <summary>Longest wait for a result; longer ones are cut. At most a day.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMinutes(5);
}
