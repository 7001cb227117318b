using System.Text.Json.Serialization;

namespace Cortex.Core.Wire;

/// <summary>Where a TrafficSplitter sends its requests now, and what became of them. Ours: Cortex 0.42 has no such field.</summary>
public sealed record SplitterStatus
{
    /// <summary>The targets, in the order of the configuration.</summary>
    public required IReadOnlyList<SplitterTargetStatus> Targets { get; init; }

    /// <summary>How far the canary is; left out without one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CanaryStatus? Canary { get; init; }
}

/// <summary>One target of a TrafficSplitter. Counts are of requests that came through the splitter since the server started.</summary>
public sealed record SplitterTargetStatus
{
    /// <summary>The target's name.</summary>
    public required string Name { get; init; }

    /// <summary>Percent of the requests that it gets now; for a shadow, percent that is copied to it.</summary>
    public required int Weight { get; init; }

    /// <summary>Whether it gets copies, whose answers are dropped.</summary>
    public required bool Shadow { get; init; }

    /// <summary>Finished requests; for a shadow, copies that it answered or failed to answer.</summary>
    public required long Requests { get; init; }

    /// <summary>Those of them that ended with a status of 500 or more, or whose answer broke off.</summary>
    public required long Errors { get; init; }

    /// <summary>Copies that a shadow did not get, because they were too large or too many; left out for other targets.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Dropped { get; init; }
}

/// <summary>How far a canary is.</summary>
public sealed record CanaryStatus
{
    /// <summary>The target that the requests move to.</summary>
    public required string To { get; init; }

    /// <summary><c>waiting</c> for a ready replica, <c>progressing</c>, <c>promoted</c> or <c>rolled_back</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Percent of the requests that the target gets now.</summary>
    public required int Weight { get; init; }

    /// <summary>The step that it is at, counted from 1; for a canary that went back, the step that it went back from. 0 before the first.</summary>
    public required int Step { get; init; }

    /// <summary>How many steps there are.</summary>
    public required int Steps { get; init; }

    /// <summary>When it came to that status and step; Unix seconds.</summary>
    public required long Since { get; init; }

    /// <summary>What it waits for, or why it went back; empty when there is nothing to say.</summary>
    public required string Message { get; init; }

    /// <summary>The target's requests in this step; left out unless it progresses, and before the server has looked at it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Requests { get; init; }

    /// <summary>Those of them that failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Errors { get; init; }

    /// <summary>Those of them that took longer than <c>max_p99</c>; left out without such a limit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Slow { get; init; }
}
