using System.Globalization;
using Cortex.Core.Shapes;

namespace Cortex.Core.Schedules;

/// <summary>One of the five fields of a cron expression: reads it into the set of its values.</summary>
/// <param name="name">What errors call it.</param>
/// <param name="min">Its smallest value.</param>
/// <param name="max">Its largest value; at most 63.</param>
/// <param name="names">Names of values, from <paramref name="min"/> on; empty for none.</param>
internal sealed class CronField(string name, int min, int max, params IReadOnlyList<string> names)
{
    public static readonly CronField Minute = new("minute", 0, 59);
    public static readonly CronField Hour = new("hour", 0, 23);
    public static readonly CronField Day = new("day of the month", 1, 31);
    public static readonly CronField Month = new("month", 1, 12, "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");

    /// <summary>0 and 7 are both Sunday.</summary>
    public static readonly CronField Weekday = new("day of the week", 0, 7, "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");

    /// <summary>Reads a field: a list of <c>*</c>, values and ranges, each with a step if need be.</summary>
    /// <param name="text">The field.</param>
    /// <param name="values">A bit for each value.</param>
    /// <param name="error">What is wrong; empty when nothing is.</param>
    public bool TryParse(string text, out ulong values, out string error)
    {
        values = 0;
        foreach (var part in text.Split(','))
        {
            if (!TryParsePart(part, out var some, out error))
            {
                return false;
            }

            values |= some;
        }

        error = "";
        return true;
    }

    private bool TryParsePart(string text, out ulong values, out string error)
    {
        values = 0;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var range = slash < 0 ? text : text[..slash];
        var step = 1;
        if (slash >= 0 && !(int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out step) && step >= 1 && step <= max))
        {
            error = $"the step of \"{text}\" in the {name} must be a number from 1 to {max}";
            return false;
        }

        if (!TryParseRange(range, isStepped: slash >= 0, out var from, out var to, out error))
        {
            return false;
        }

        for (var value = from; value <= to; value += step)
        {
            values |= 1UL << value;
        }

        return true;
    }

    private bool TryParseRange(string text, bool isStepped, out int from, out int to, out string error)
    {
        (from, to) = (min, max);
        if (text == "*")
        {
            error = "";
            return true;
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (!TryParseValue(dash < 0 ? text : text[..dash], out from, out error))
        {
            return false;
        }

        if (dash < 0)
        {
            to = isStepped ? max : from;
            return true;
        }

        if (!TryParseValue(text[(dash + 1)..], out to, out error))
        {
            return false;
        }

        if (from > to)
        {
            error = $"the range \"{text}\" in the {name} ends before it begins; write {text[..dash]}-{max},{min}-{text[(dash + 1)..]} instead";
            return false;
        }

        return true;
    }

    private bool TryParseValue(string text, out int value, out string error)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i].Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                (value, error) = (min + i, "");
                return true;
            }
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= min && value <= max)
        {
            error = "";
            return true;
        }

        var hint = names.Count == 0 ? "" : Words.Closest(text, names) is { } closest ? $"; did you mean {closest}?" : $" or a name such as {names[^1]}";
        error = text is "" ? $"a value of the {name} is missing" : $"\"{text}\" in the {name} must be a number from {min} to {max}{hint}";
        return false;
    }
}
