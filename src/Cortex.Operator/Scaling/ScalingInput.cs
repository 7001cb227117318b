namespace Cortex.Operator.Scaling;

/// <summary>What one decision looks at. Times are on one clock that never goes back.</summary>
/// <param name="Now">The time of the decision.</param>
/// <param name="Start">When this process began to watch the API.</param>
/// <param name="Current">Replicas wanted now; 0 or more.</param>
/// <param name="InFlight">Requests in flight, averaged over the window; 0 or more.</param>
internal readonly record struct ScalingInput(TimeSpan Now, TimeSpan Start, int Current, double InFlight)
{
    /// <summary>Replicas needed at once, without waiting for stabilization; 0 for none.</summary>
    public double Urgent { get; init; }

    /// <summary>Why they are needed at once.</summary>
    public ScalingReason UrgentReason { get; init; }

    /// <summary>Whether a burst goes on, during which nothing is scaled down.</summary>
    public bool InBurst { get; init; }
}
