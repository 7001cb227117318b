namespace Cortex.Core.Schedules;

/// <summary>The moments at which a schedule runs. Pure: no clock.</summary>
/// <remarks>
/// Where clocks are changed, as Debian's cron does: an expression that names times of the day runs once for each of them. One
/// that is skipped, as the clock is put forward, runs at the moment of the change; several that are skipped at once run once. One
/// that comes twice, as the clock is put back, runs the first time. An expression for every hour goes by the hours as they
/// pass: nothing is made up for an hour that there was not, and one that comes twice runs twice.
/// </remarks>
public static class RunTimes
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    // Two changes of one zone's clocks are never so near to each other.
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    // Short windows first: most schedules run within hours, and those that do not have few runs in years.
    private static readonly TimeSpan[] s_lookBack = [TimeSpan.FromHours(2), TimeSpan.FromDays(2), TimeSpan.FromDays(60), TimeSpan.FromDays(9 * 366)];

    /// <summary>The first run after a moment; null when the calendar ends before.</summary>
    /// <param name="cron">The schedule.</param>
    /// <param name="zone">The zone whose clocks it means.</param>
    /// <param name="after">The moment, itself not included.</param>
    public static DateTimeOffset? Next(CronExpression cron, TimeZoneInfo zone, DateTimeOffset after)
    {
        ArgumentNullException.ThrowIfNull(cron);
        ArgumentNullException.ThrowIfNull(zone);
        if (after.Year > DateTime.MaxValue.Year - 2)
        {
            return null;
        }

        // From here to the next change, wall clock and time go on together, so that the next time on the wall is the next run.
        var at = new DateTime(after.UtcTicks - (after.UtcTicks % TimeSpan.TicksPerMinute), DateTimeKind.Utc);
        var from = Wall(zone, at) + s_minute;
        while (cron.NextWall(from) is { } wall)
        {
            var offset = zone.GetUtcOffset(at);
            var run = DateTime.SpecifyKind(wall - offset, DateTimeKind.Utc);
            if (Change(zone, at, run) is not { } change)
            {
                if (cron.IsEveryHour || !IsSecondTime(zone, run))
                {
                    return new DateTimeOffset(run);
                }

                (at, from) = (run, wall + s_minute);
                continue;
            }

            at = change;
            from = Wall(zone, change);
            if (wall < from && !cron.IsEveryHour)
            {
                return new DateTimeOffset(change);
            }
        }

        return null;
    }

    /// <summary>The last run after one moment, not included, and up to another, included; null when there is none.</summary>
    /// <param name="cron">The schedule.</param>
    /// <param name="zone">The zone whose clocks it means.</param>
    /// <param name="after">The earlier moment. Not more than the last nine years are looked at.</param>
    /// <param name="until">The later moment.</param>
    public static DateTimeOffset? Last(CronExpression cron, TimeZoneInfo zone, DateTimeOffset after, DateTimeOffset until)
    {
        foreach (var window in s_lookBack)
        {
            var from = until - window > after ? until - window : after;
            DateTimeOffset? last = null;
            for (var next = Next(cron, zone, from); next <= until; next = Next(cron, zone, next.Value))
            {
                last = next;
            }

            if (last is not null || from == after)
            {
                return last;
            }
        }

        return null;
    }

    private static DateTime Wall(TimeZoneInfo zone, DateTime utc) => DateTime.SpecifyKind(utc + zone.GetUtcOffset(utc), DateTimeKind.Unspecified);

    // The first minute after `from`, up to `to`, from which on the clocks show something else.
    private static DateTime? Change(TimeZoneInfo zone, DateTime from, DateTime to)
    {
        var offset = zone.GetUtcOffset(from);
        for (var low = from; low < to; )
        {
            var high = to - low < s_day ? to : low + s_day;
            if (zone.GetUtcOffset(high) == offset)
            {
                low = high;
                continue;
            }

            while (high - low > s_minute)
            {
                var middle = low + TimeSpan.FromMinutes(Math.Floor((high - low).TotalMinutes / 2));
                (low, high) = zone.GetUtcOffset(middle) == offset ? (middle, high) : (low, middle);
            }

            return high;
        }

        return null;
    }

    // Whether the clocks have shown this time before: they have if they were put back a short while ago.
    private static bool IsSecondTime(TimeZoneInfo zone, DateTime utc)
    {
        var before = zone.GetUtcOffset(utc - s_day);
        var putBack = before - zone.GetUtcOffset(utc);
        return putBack > TimeSpan.Zero && zone.GetUtcOffset(utc - putBack) == before;
    }
}
