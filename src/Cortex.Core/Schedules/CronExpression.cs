using System.Diagnostics.CodeAnalysis;
using Cortex.Core.Shapes;

namespace Cortex.Core.Schedules;

/// <summary>The times of a clock on a wall that a cron expression names, to the minute.</summary>
/// <remarks>
/// The notation of POSIX's crontab (minute, hour, day of the month, month, day of the week) with what every cron since Paul
/// Vixie's adds: names, steps, 7 for Sunday, and nicknames such as <c>@daily</c>. As in POSIX, when both the day of the month
/// and the day of the week leave something out, a day that either names will do.
/// </remarks>
public sealed class CronExpression
{
    private const int MaxLength = 1000;

    // 29 February can be eight years away, around a year such as 2100.
    private const int LongestPauseInYears = 8;

    private static readonly CronField[] s_fields = [CronField.Minute, CronField.Hour, CronField.Day, CronField.Month, CronField.Weekday];

    private static readonly Dictionary<string, string> s_nicknames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["@hourly"] = "0 * * * *",
        ["@daily"] = "0 0 * * *",
        ["@midnight"] = "0 0 * * *",
        ["@weekly"] = "0 0 * * 0",
        ["@monthly"] = "0 0 1 * *",
        ["@yearly"] = "0 0 1 1 *",
        ["@annually"] = "0 0 1 1 *",
    };

    private readonly ulong _minutes;
    private readonly ulong _hours;
    private readonly ulong _days;
    private readonly ulong _months;
    private readonly ulong _weekdays;

    private CronExpression(ulong[] fields)
    {
        (_minutes, _hours, _days, _months) = (fields[0], fields[1], fields[2], fields[3]);
        _weekdays = (fields[4] | (fields[4] >> 7)) & 0b1111111;
    }

    /// <summary>Whether it names minutes of every hour, rather than times of the day.</summary>
    internal bool IsEveryHour => _hours == (1UL << 24) - 1;

    private bool IsEveryDay => _days == ((1UL << 31) - 1) << 1;

    private bool IsEveryWeekday => _weekdays == 0b1111111;

    /// <summary>Reads an expression.</summary>
    /// <param name="text">Five fields, or a nickname.</param>
    /// <param name="expression">What it says; null when it is not valid.</param>
    /// <param name="error">What is wrong, for people; empty when nothing is.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out CronExpression? expression, out string error)
    {
        ArgumentNullException.ThrowIfNull(text);
        expression = null;
        if (text.Length > MaxLength)
        {
            error = $"it has {text.Length} characters; at most {MaxLength} are allowed";
            return false;
        }

        if (text.Trim() is ['@', ..] nickname)
        {
            if (!s_nicknames.TryGetValue(nickname, out text!))
            {
                var known = s_nicknames.Keys.ToList();
                error = Words.Closest(nickname, known) is { } closest ? $"did you mean {closest}?" : $"the nicknames are {Words.Join(known, "and")}";
                return false;
            }
        }

        var parts = text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != s_fields.Length)
        {
            error = $"it has {parts.Length} fields instead of 5: minute, hour, day of the month, month, day of the week{(parts.Length > 5 ? "; there are no seconds and no years" : "")}";
            return false;
        }

        var values = new ulong[s_fields.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!s_fields[i].TryParse(parts[i], out values[i], out error))
            {
                return false;
            }
        }

        var read = new CronExpression(values);
        if (read.NextWall(new DateTime(2000, 1, 1)) is null)
        {
            error = "no month that it names has such a day";
            return false;
        }

        (expression, error) = (read, "");
        return true;
    }

    /// <summary>The first time that it names from <paramref name="from"/>, a whole minute, on; null when the calendar ends before.</summary>
    internal DateTime? NextWall(DateTime from)
    {
        var day = from.Date;
        var last = Math.Min(from.Year + LongestPauseInYears, DateTime.MaxValue.Year - 1);
        while (day.Year <= last)
        {
            if (!Has(_months, day.Month))
            {
                day = new DateTime(day.Year, day.Month, 1).AddMonths(1);
                continue;
            }

            if (IsOn(day) && NextInDay(day == from.Date ? from.TimeOfDay : TimeSpan.Zero) is { } time)
            {
                return day + time;
            }

            day = day.AddDays(1);
        }

        return null;
    }

    private bool IsOn(DateTime day)
    {
        var (byDay, byWeekday) = (Has(_days, day.Day), Has(_weekdays, (int)day.DayOfWeek));
        return IsEveryDay || IsEveryWeekday ? byDay && byWeekday : byDay || byWeekday;
    }

    private TimeSpan? NextInDay(TimeSpan from)
    {
        for (var hour = from.Hours; hour < 24; hour++)
        {
            for (var minute = hour == from.Hours ? from.Minutes : 0; Has(_hours, hour) && minute < 60; minute++)
            {
                if (Has(_minutes, minute))
                {
                    return new TimeSpan(hour, minute, 0);
                }
            }
        }

        return null;
    }

    private static bool Has(ulong values, int value) => (values >> value & 1) == 1;
}
