namespace Cortex.Jobs.Schedules;

/// <summary>A schedule as it is at one moment.</summary>
/// <param name="Next">The time of the next run; null when there is none.</param>
/// <param name="Last">The last run; null before the first.</param>
/// <param name="LastJob">Its job; null when it has none, or none that is kept.</param>
/// <param name="Message">What a run that is due waits for, or why there are no runs; empty when there is nothing to say.</param>
public sealed record ScheduleView(DateTimeOffset? Next, ScheduledRun? Last, JobRecord? LastJob, string Message);
