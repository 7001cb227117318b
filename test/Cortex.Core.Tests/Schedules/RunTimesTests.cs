using System.Globalization;
using Cortex.Core.Schedules;

namespace Cortex.Core.Tests.Schedules;

public sealed class RunTimesTests
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    // Clocks in Berlin: 29 March 2026 from 2:00 to 3:00 (1:00 UTC), 25 October 2026 from 3:00 to 2:00 (1:00 UTC).
    [Theory]
    [InlineData("30 2 * * *", "2026-03-28T00:00Z", "03-28 02:30 +1", "03-29 03:00 +2", "03-30 02:30 +2")]
    [InlineData("0,30 2 * * *", "2026-03-28T12:00Z", "03-29 03:00 +2", "03-30 02:00 +2", "03-30 02:30 +2")]
    [InlineData("0 2,3 * * *", "2026-03-28T12:00Z", "03-29 03:00 +2", "03-30 02:00 +2", "03-30 03:00 +2")]
    [InlineData("0 0-23/2 * * *", "2026-03-28T23:00Z", "03-29 03:00 +2", "03-29 04:00 +2", "03-29 06:00 +2")]
    [InlineData("15 * * * *", "2026-03-28T23:00Z", "03-29 00:15 +1", "03-29 01:15 +1", "03-29 03:15 +2")]
    [InlineData("*/30 * * * *", "2026-03-29T00:00Z", "03-29 01:30 +1", "03-29 03:00 +2", "03-29 03:30 +2")]
    [InlineData("30 2 * * *", "2026-10-24T12:00Z", "10-25 02:30 +2", "10-26 02:30 +1", "10-27 02:30 +1")]
    [InlineData("0 3 * * *", "2026-10-24T12:00Z", "10-25 03:00 +1", "10-26 03:00 +1", "10-27 03:00 +1")]
    [InlineData("0,30 1-3 * * *", "2026-10-25T00:00Z", "10-25 02:30 +2", "10-25 03:00 +1", "10-25 03:30 +1")]
    [InlineData("30 * * * *", "2026-10-24T23:45Z", "10-25 02:30 +2", "10-25 02:30 +1", "10-25 03:30 +1")]
    [InlineData("30 2 * * *", "2026-10-25T01:10Z", "10-26 02:30 +1", "10-27 02:30 +1", "10-28 02:30 +1")]
    public void Next_WhereClocksAreChanged(string cron, string after, params string[] expected) =>
        Assert.Equal(expected, Runs(Read(cron), Zone("Europe/Berlin"), DateTimeOffset.Parse(after, CultureInfo.InvariantCulture)).Take(3).Select(run => Shown(run, "Europe/Berlin")));

    // Half an hour forward; a day that there was not; an hour back for good.
    [Theory]
    [InlineData("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", "10-04 02:30 +11")]
    [InlineData("0 3 30 12 *", "Pacific/Apia", "2011-12-29T14:00Z", "12-31 00:00 +14")]
    [InlineData("30 1 26 10 *", "Europe/Moscow", "2014-10-25T00:00Z", "10-26 01:30 +4")]
    public void Next_UnusualChanges(string cron, string zone, string after, string expected) =>
        Assert.Equal(expected, Shown(RunTimes.Next(Read(cron), Zone(zone), DateTimeOffset.Parse(after, CultureInfo.InvariantCulture))!.Value, zone));

    [Fact]
    public void Next_OfAnyRun_IsALaterOne()
    {
        // At a change too, where the run is at a time that the expression does not name.
        var change = new DateTimeOffset(2026, 3, 29, 1, 0, 0, TimeSpan.Zero);
        Assert.Equal(change, RunTimes.Next(Read("30 2 * * *"), Zone("Europe/Berlin"), change - TimeSpan.FromTicks(1)));
        Assert.Equal("03-30 02:30 +2", Shown(RunTimes.Next(Read("30 2 * * *"), Zone("Europe/Berlin"), change)!.Value, "Europe/Berlin"));
    }

    [Fact]
    public void Next_AtTheEndOfTheCalendar_IsNone() => Assert.Null(RunTimes.Next(Read("* * * * *"), TimeZoneInfo.Utc, DateTimeOffset.MaxValue));

    [Theory]
    [InlineData("* * * * *", "2026-11-22T10:00:30Z", "2026-11-22T10:00Z")]
    [InlineData("0 0 * * *", "2026-11-22T10:00Z", "2026-11-22T00:00Z")]
    [InlineData("0 0 1 1 *", "2026-11-22T10:00Z", "2026-01-01T00:00Z")]
    [InlineData("0 0 29 2 *", "2026-11-22T10:00Z", "2024-02-29T00:00Z")]
    [InlineData("0 0 22 11 *", "2026-11-22T00:00Z", "2026-11-22T00:00Z")]
    public void Last_IsTheLatestUpToNow(string cron, string until, string expected) => Assert.Equal(
        DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture),
        RunTimes.Last(Read(cron), TimeZoneInfo.Utc, DateTimeOffset.UnixEpoch, DateTimeOffset.Parse(until, CultureInfo.InvariantCulture)));

    [Theory]
    [InlineData("2026-11-22T10:00Z", "2026-11-22T10:59:59Z")]
    [InlineData("2026-11-22T11:00Z", "2026-11-22T11:00Z")]
    [InlineData("2026-11-22T11:00Z", "2026-11-22T10:00Z")]
    public void Last_NoneBetween_IsNone(string after, string until) => Assert.Null(
        RunTimes.Last(Read("0 * * * *"), TimeZoneInfo.Utc, DateTimeOffset.Parse(after, CultureInfo.InvariantCulture), DateTimeOffset.Parse(until, CultureInfo.InvariantCulture)));

    // Random expressions over days on which clocks are changed, against somebody who looks at the clock every minute.
    [Theory]
    [InlineData("UTC", 2026)]
    [InlineData("Europe/Berlin", 2026)]
    [InlineData("America/New_York", 2027)]
    [InlineData("America/Sao_Paulo", 2018)]
    [InlineData("Africa/Casablanca", 2026)]
    [InlineData("Australia/Lord_Howe", 2026)]
    [InlineData("Antarctica/Troll", 2026)]
    [InlineData("Asia/Kathmandu", 2026)]
    [InlineData("Pacific/Apia", 2011)]
    [InlineData("Europe/Moscow", 2014)]
    public void Next_AnyExpression_IsWhatLookingEveryMinuteFinds(string zoneName, int year)
    {
        var zone = Zone(zoneName);
        var random = new Random(year);
        var found = 0;
        foreach (var change in Changes(zone, year).DefaultIfEmpty(new DateTimeOffset(year, 6, 1, 0, 0, 0, TimeSpan.Zero)))
        {
            for (var i = 0; i < 40; i++)
            {
                var fields = RandomFields.Make(random, change);
                var from = change - TimeSpan.FromMinutes(random.Next(3000));
                var until = change + TimeSpan.FromMinutes(random.Next(3000));

                var expected = Watched(fields, zone, from, until).ToList();
                found += expected.Count;

                Assert.Equal(expected, Runs(Read(fields.Text), zone, from).TakeWhile(run => run <= until));
                Assert.Equal(expected.Count > 0 ? expected[^1] : null, RunTimes.Last(Read(fields.Text), zone, from, until));
            }
        }

        Assert.True(found > 500, $"only {found} runs were compared");
    }

    private static IEnumerable<DateTimeOffset> Runs(CronExpression cron, TimeZoneInfo zone, DateTimeOffset after)
    {
        for (var run = RunTimes.Next(cron, zone, after); run is not null; run = RunTimes.Next(cron, zone, run.Value))
        {
            yield return run.Value;
        }
    }

    // Somebody who looks at a clock on the wall every minute, and remembers what it has shown.
    private static IEnumerable<DateTimeOffset> Watched(RandomFields fields, TimeZoneInfo zone, DateTimeOffset after, DateTimeOffset until)
    {
        var shown = new HashSet<DateTime>();
        var now = new DateTimeOffset(after.UtcTicks - (after.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero) - TimeSpan.FromDays(2);
        var before = TimeZoneInfo.ConvertTime(now - s_minute, zone).DateTime;
        for (; now <= until; now += s_minute)
        {
            var wall = TimeZoneInfo.ConvertTime(now, zone).DateTime;
            var runs = fields.Names(wall) && (fields.IsEveryHour || !shown.Contains(wall));
            for (var skipped = before + s_minute; skipped < wall && !fields.IsEveryHour; skipped += s_minute)
            {
                runs |= fields.Names(skipped);
            }

            shown.Add(wall);
            before = wall;
            if (runs && now > after)
            {
                yield return now;
            }
        }
    }

    private static IEnumerable<DateTimeOffset> Changes(TimeZoneInfo zone, int year)
    {
        for (var hour = new DateTimeOffset(year, 1, 1, 0, 0, 0, TimeSpan.Zero); hour.Year == year; hour = hour.AddHours(1))
        {
            if (zone.GetUtcOffset(hour) != zone.GetUtcOffset(hour.AddHours(1)))
            {
                yield return hour;
            }
        }
    }

    private static CronExpression Read(string text)
    {
        Assert.True(CronExpression.TryParse(text, out var expression, out var error), $"{text}: {error}");
        return expression;
    }

    private static TimeZoneInfo Zone(string name)
    {
        Assert.SkipUnless(TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone), $"this machine does not know {name}; install the package tzdata");
        return zone!;
    }

    private static string Shown(DateTimeOffset run, string zone)
    {
        var wall = TimeZoneInfo.ConvertTime(run, Zone(zone));
        return string.Create(CultureInfo.InvariantCulture, $"{wall:MM-dd HH:mm} {(wall.Offset < TimeSpan.Zero ? '-' : '+')}{Math.Abs(wall.Offset.Hours)}");
    }
}
