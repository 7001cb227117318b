using Cortex.Core.Specs;

namespace Cortex.Operator.Scaling;

/// <summary>How many replicas an API should have, and why.</summary>
internal readonly record struct ScalingDecision
{
    /// <summary>When it was made.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Since when every decision has said the same.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Replicas wanted before.</summary>
    public required int Current { get; init; }

    /// <summary>Requests in flight, averaged over the window.</summary>
    public required double InFlight { get; init; }

    /// <summary>Replicas that the load asks for, before any bound.</summary>
    public required double Raw { get; init; }

    /// <summary>After tolerances, factors and replica bounds.</summary>
    public required int Recommended { get; init; }

    /// <summary>After stabilization: replicas wanted from now on.</summary>
    public required int Requested { get; init; }

    /// <summary>What had the last word.</summary>
    public required ScalingReason Reason { get; init; }

    /// <summary>The settings that it was made by.</summary>
    public required AutoscalingSpec Settings { get; init; }

    /// <summary>Whether both say the same, whatever the numbers of requests that led there.</summary>
    public bool SaysTheSameAs(in ScalingDecision other) =>
        (Current, Recommended, Requested, Reason) == (other.Current, other.Recommended, other.Requested, other.Reason) && Settings == other.Settings;
}
