using Cortex.Core.Schedules;
using Cortex.Core.Specs;
using Cortex.Core.Units;

namespace Cortex.Jobs.Schedules;

/// <summary>Decides which runs of a schedule become jobs. Pure: no clock, no I/O.</summary>
internal static class ScheduleRule
{
    /// <summary>A run that is seen later than this after its time was missed.</summary>
    public static readonly TimeSpan OnTime = TimeSpan.FromMinutes(1);

    // As cron does: a small step back repeats nothing, a large one corrects a clock that was wrong.
    private static readonly TimeSpan s_clockWasWrong = TimeSpan.FromHours(3);

    /// <summary>The state to begin with: the stored one, unless it is about another schedule or another API of that name.</summary>
    /// <param name="stored">As it is stored; null when nothing is.</param>
    /// <param name="api">The API.</param>
    /// <param name="now">The time.</param>
    public static ScheduleState Begin(ScheduleState? stored, ScheduledApi api, DateTimeOffset now)
    {
        var schedule = api.Schedule;
        var begin = api.VersionAt < now ? api.VersionAt : now;
        if (stored is null || stored.DeployedAt != api.DeployedAt)
        {
            return new ScheduleState { ApiName = api.Name, DeployedAt = api.DeployedAt, Cron = schedule.Cron, TimeZone = schedule.TimeZone, DecidedUntil = begin };
        }

        if (stored.Cron != schedule.Cron || stored.TimeZone != schedule.TimeZone)
        {
            return stored with { Cron = schedule.Cron, TimeZone = schedule.TimeZone, DecidedUntil = begin };
        }

        return stored.DecidedUntil > now + s_clockWasWrong ? stored with { DecidedUntil = now } : stored;
    }

    /// <summary>Decides the runs whose time has come; the same state when there is none.</summary>
    /// <param name="state">As it is.</param>
    /// <param name="schedule">The schedule.</param>
    /// <param name="cron">Its times.</param>
    /// <param name="zone">Its time zone.</param>
    /// <param name="unfinished">The jobs of this schedule that have not ended.</param>
    /// <param name="now">The time.</param>
    public static ScheduleState Decide(ScheduleState state, ScheduleSpec schedule, CronExpression cron, TimeZoneInfo zone, IReadOnlyList<JobRecord> unfinished, DateTimeOffset now)
    {
        if (RunTimes.Last(cron, zone, state.DecidedUntil, now) is not { } run)
        {
            return state;
        }

        // A run that could not be submitted until now makes way for the next.
        var decided = state with { DecidedUntil = run, Due = null };
        if (schedule.MissedRuns == MissedRuns.Skip && now - run >= OnTime)
        {
            return decided with { Last = new ScheduledRun(run, null, $"was missed: it was first seen {GoDuration.Format(Whole(now - run))} late") };
        }

        return schedule.Concurrency == ScheduleConcurrency.Forbid && unfinished is [var job, ..]
            ? decided with { Last = new ScheduledRun(run, null, $"was skipped, as job {job.Id} had not ended") }
            : decided with { Due = run };
    }

    private static TimeSpan Whole(TimeSpan time) => TimeSpan.FromSeconds(Math.Floor(time.TotalSeconds));
}

/// <summary>An API that has a schedule.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DeployedAt">When it was first deployed, in Unix nanoseconds.</param>
/// <param name="VersionAt">When the version with this schedule was deployed: its first run is a later one.</param>
/// <param name="Schedule">The schedule.</param>
internal readonly record struct ScheduledApi(string Name, long DeployedAt, DateTimeOffset VersionAt, ScheduleSpec Schedule);
