using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cortex.Core.Specs;

/// <summary>When jobs of a Task or Batch API start by themselves. Ours: Cortex 0.42 has no such field.</summary>
public sealed record ScheduleSpec
{
    /// <summary>The times, as five fields or a nickname; see <see cref="Schedules.CronExpression"/>.</summary>
    public required string Cron { get; init; }

    /// <summary>The zone whose clocks are meant, such as <c>Europe/Berlin</c>.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>What happens when a job of this schedule has not ended yet.</summary>
    public ScheduleConcurrency Concurrency { get; init; }

    /// <summary>What becomes of runs whose time passed while the server was away.</summary>
    public MissedRuns MissedRuns { get; init; }

    /// <summary>The body of the submission: a JSON object.</summary>
    public required JsonElement Job { get; init; }
}

/// <summary>What happens at the time of a run when a job of the schedule has not ended yet.</summary>
public enum ScheduleConcurrency
{
    /// <summary>Another one starts beside it.</summary>
    [JsonStringEnumMemberName("allow")]
    Allow,

    /// <summary>The run is skipped.</summary>
    [JsonStringEnumMemberName("forbid")]
    Forbid,

    /// <summary>It is stopped, and the next one starts once it has ended.</summary>
    [JsonStringEnumMemberName("replace")]
    Replace,
}

/// <summary>What becomes of runs whose time passed while the server was away.</summary>
public enum MissedRuns
{
    /// <summary>The last of them runs as soon as the server is back.</summary>
    [JsonStringEnumMemberName("run_once")]
    RunOnce,

    /// <summary>None of them runs.</summary>
    [JsonStringEnumMemberName("skip")]
    Skip,
}
