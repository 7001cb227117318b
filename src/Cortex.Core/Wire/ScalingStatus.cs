namespace Cortex.Core.Wire;

/// <summary>One decision of the autoscaler. Times are RFC 3339 in UTC.</summary>
public sealed record ScalingStatus
{
    /// <summary>Since when every decision has said the same.</summary>
    public required string Since { get; init; }

    /// <summary>When the last of them was made; the figures are of that moment.</summary>
    public required string Time { get; init; }

    /// <summary>Replicas wanted before.</summary>
    public required int Current { get; init; }

    /// <summary>Requests in flight, averaged over the window.</summary>
    public required double InFlight { get; init; }

    /// <summary>Replicas that the load asks for, before any bound.</summary>
    public required double Raw { get; init; }

    /// <summary>Replicas after tolerances, factors and replica bounds.</summary>
    public required int Recommended { get; init; }

    /// <summary>Replicas wanted since, after stabilization.</summary>
    public required int Requested { get; init; }

    /// <summary>What had the last word, as a clause that names the setting.</summary>
    public required string Reason { get; init; }
}
