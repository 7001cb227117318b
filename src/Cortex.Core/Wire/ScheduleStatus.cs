using System.Text.Json.Serialization;

namespace Cortex.Core.Wire;

/// <summary>The last and the next run of a schedule. Times are RFC 3339 in UTC.</summary>
public sealed record ScheduleStatus
{
    /// <summary>The times, as the configuration has them.</summary>
    public required string Cron { get; init; }

    /// <summary>The zone whose clocks are meant.</summary>
    public required string TimeZone { get; init; }

    /// <summary>When the next job starts; left out when none will.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextRunTime { get; init; }

    /// <summary>What became of the last run; left out before the first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ScheduleRunStatus? LastRun { get; init; }

    /// <summary>What a run that is due waits for, or why there are no runs; left out when there is nothing to say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; init; }
}

/// <summary>What became of one run of a schedule.</summary>
public sealed record ScheduleRunStatus
{
    /// <summary>Its time.</summary>
    public required string ScheduledTime { get; init; }

    /// <summary>Its job; left out when it became none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? JobId { get; init; }

    /// <summary>That job's status; left out when it became none, or when it is not kept any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; init; }

    /// <summary>Why it became no job; left out when it became one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; init; }
}
