namespace Cortex.Jobs.Schedules;

/// <summary>How far the schedule of an API is. Stored before anything that follows from it is done.</summary>
public sealed record ScheduleState
{
    /// <summary>The API.</summary>
    public required string ApiName { get; init; }

    /// <summary>When that API was first deployed, in Unix nanoseconds: tells it from a later one of the same name.</summary>
    public required long DeployedAt { get; init; }

    /// <summary>The schedule that it is about; another one begins anew.</summary>
    public required string Cron { get; init; }

    /// <summary>Its time zone.</summary>
    public required string TimeZone { get; init; }

    /// <summary>What becomes of every run up to here has been decided.</summary>
    public required DateTimeOffset DecidedUntil { get; init; }

    /// <summary>A run that is to be submitted; null when it is known to have been, and for none.</summary>
    public DateTimeOffset? Due { get; init; }

    /// <summary>The last run that became a job, or that was decided to become none; null before the first.</summary>
    public ScheduledRun? Last { get; init; }
}

/// <summary>What became of one run of a schedule.</summary>
/// <param name="ScheduledAt">Its time.</param>
/// <param name="JobId">Its job; null when it became none.</param>
/// <param name="Message">Why it became none; empty for a job.</param>
public sealed record ScheduledRun(DateTimeOffset ScheduledAt, string? JobId, string Message);
