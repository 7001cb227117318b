using System.Text.Json.Serialization;

namespace Cortex.Core.Specs;

/// <summary>Replica bounds and the scaling rule.</summary>
public sealed record AutoscalingSpec
{
    /// <summary>0 or more.</summary>
    public int MinReplicas { get; init; } = 1;

    /// <summary>1 or more.</summary>
    public int MaxReplicas { get; init; } = 100;

    /// <summary>Replicas at creation, within the bounds.</summary>
    public int InitReplicas { get; init; } = 1;

    /// <summary>Requests in flight that one replica should have.</summary>
    public double TargetInFlight { get; init; } = 1;

    /// <summary>The time that in-flight requests are averaged over.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A scale-down waits until nothing recommended more for this long.</summary>
    public TimeSpan DownscaleStabilizationPeriod { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A scale-up waits until nothing recommended less for this long.</summary>
    public TimeSpan UpscaleStabilizationPeriod { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>One step down keeps at least this part of the replicas; in [0, 1).</summary>
    public double MaxDownscaleFactor { get; init; } = 0.75;

    /// <summary>One step up reaches at most this multiple of the replicas; above 1.</summary>
    public double MaxUpscaleFactor { get; init; } = 1.5;

    /// <summary>A recommendation this close below the current count changes nothing; in [0, 1).</summary>
    public double DownscaleTolerance { get; init; } = 0.05;

    /// <summary>A recommendation this close above the current count changes nothing; 0 or more.</summary>
    public double UpscaleTolerance { get; init; } = 0.05;

    /// <summary>Whether a sudden rise is followed without waiting. Ours; left out unless set, so that ids made before stay.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Burst { get; init; }

    /// <summary>How old a request of an Async API may become before a replica takes it; null for no such target. Ours; left out unless set.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? TargetQueueAge { get; init; }

    /// <summary>What becomes of replicas that are not wanted any more. Left out on the wire for the default. Ours.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public IdleReplicas Idle { get; init; }

    /// <summary>How long a frozen replica is kept; null unless replicas freeze. Ours.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? FreezePeriod { get; init; }
}

/// <summary>What becomes of replicas that a scale-down leaves over.</summary>
public enum IdleReplicas
{
    /// <summary>They are removed.</summary>
    [JsonStringEnumMemberName("remove")]
    Remove,

    /// <summary>They stand still and keep their memory for a while, so that they can go on at once.</summary>
    [JsonStringEnumMemberName("freeze")]
    Freeze,
}
