namespace Cortex.Core.Clusters;

/// <summary>Bounds of Async APIs' endpoints.</summary>
public sealed record AsyncSettings
{
    /// <summary>Longest wait for a result; longer ones are cut. 1 second to a day.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest time in which no byte of a payload arrives. 1 second to a day.</summary>
    public TimeSpan UploadIdleTimeout { get; init; } = TimeSpan.FromMinutes(1);
}
