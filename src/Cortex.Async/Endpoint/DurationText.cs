using System.Buffers;
using System.Globalization;

namespace Cortex.Async.Endpoint;

/// <summary>Durations as clients write them: whole seconds (<c>30</c>), or Go's notation (<c>1m30s</c>, <c>250ms</c>, <c>1.5h</c>).</summary>
internal static class DurationText
{
    private const int MaxDigits = 15;
    private static readonly SearchValues<char> NumberChars = SearchValues.Create("0123456789.");

    /// <summary>Reads a duration of 0 to 10 years; false when the text is none.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan value)
    {
        value = default;
        decimal ticks = 0;
        var rest = text;
        if (rest.IsEmpty)
        {
            return false;
        }

        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberChars);
            var number = digits < 0 ? rest : rest[..digits];
            if (!TryReadNumber(number, out var count))
            {
                return false;
            }

            rest = rest[number.Length..];
            if (rest.IsEmpty)
            {
                // Only a text without any unit is in seconds.
                if (number.Length != text.Length || number.Contains('.'))
                {
                    return false;
                }

                ticks = count * TimeSpan.TicksPerSecond;
                break;
            }

            if (!TryReadUnit(ref rest, out var unit))
            {
                return false;
            }

            ticks += count * unit;
        }

        if (ticks > TimeSpan.TicksPerDay * 3650m)
        {
            return false;
        }

        value = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    private static bool TryReadNumber(ReadOnlySpan<char> text, out decimal value)
    {
        value = 0;
        return text.Length <= MaxDigits && !text.IsEmpty && text is not "."
            && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryReadUnit(ref ReadOnlySpan<char> rest, out decimal ticks)
    {
        // Two-letter units first, so that "ms" is not read as "m".
        (ticks, var length) = rest switch
        {
            ['n', 's', ..] => (0.01m, 2),
            ['u' or 'µ' or 'μ', 's', ..] => (TimeSpan.TicksPerMicrosecond, 2),
            ['m', 's', ..] => (TimeSpan.TicksPerMillisecond, 2),
            ['s', ..] => (TimeSpan.TicksPerSecond, 1),
            ['m', ..] => (TimeSpan.TicksPerMinute, 1),
            ['h', ..] => (TimeSpan.TicksPerHour, 1),
            _ => (0m, 0),
        };
        rest = rest[length..];
        return length > 0;
    }
}
