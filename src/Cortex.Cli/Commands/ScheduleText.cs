using Cortex.Cli.Output;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>The schedule of an API, with its last and its next run.</summary>
internal static class ScheduleText
{
    /// <summary>Lines after a blank one; empty for an API without a schedule.</summary>
    public static string Render(ScheduleStatus? schedule, Style style, TimeProvider time)
    {
        if (schedule is null)
        {
            return "";
        }

        var lines = new KeyValues();
        lines.Add("schedule", $"{schedule.Cron} ({schedule.TimeZone})");
        lines.Add("last run", schedule.LastRun is { } last ? $"{Time(last.ScheduledTime)}, {Became(last)}" : "-");
        lines.Add("next run", schedule.NextRunTime is { } next ? $"{Time(next)} (in {Elapsed.Format(JobTables.ParseTime(next)!.Value - time.GetUtcNow())})" : "-");
        if (schedule.Message is { } message)
        {
            lines.Add("message", message);
        }

        return "\n" + lines.Render(style.Bold);
    }

    private static string Became(ScheduleRunStatus run) => run.JobId is null ? run.Message ?? ""
        : $"job {run.JobId}{(run.Status is { } status ? $" ({JobStatusText.Of(status)})" : "")}";

    private static string Time(string text) => JobTables.Timestamp(JobTables.ParseTime(text));
}
