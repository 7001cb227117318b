using System.Globalization;
using System.Text;

namespace Cortex.Core.Units;

/// <summary>
/// Durations in the notation of Go: <c>1m30s</c>, <c>1.5m</c>, <c>250ms</c>, <c>0</c>. Held to 100 ns, at most about
/// 292 years either way.
/// </summary>
public static class GoDuration
{
    private const long Second = 1_000_000_000;
    private const int MaxFractionDigits = 18;

    /// <summary>Reads a duration.</summary>
    /// <exception cref="FormatException">The text is not a duration.</exception>
    public static TimeSpan Parse(string text) => TryParse(text, out var value)
        ? value
        : throw new FormatException($"\"{text}\" is not a duration such as 30s, 1m30s or 1.5h");

    /// <summary>Reads a duration; false when the text is not one or is out of range.</summary>
    public static bool TryParse(string? text, out TimeSpan value)
    {
        value = default;
        var rest = text.AsSpan();
        var negative = rest is ['-', ..];
        rest = rest is ['-' or '+', ..] ? rest[1..] : rest;
        if (rest is "0")
        {
            return true;
        }

        if (rest.IsEmpty)
        {
            return false;
        }

        Int128 nanos = 0;
        while (!rest.IsEmpty)
        {
            if (!TryReadTerm(ref rest, out var term) || (nanos += term) > long.MaxValue)
            {
                return false;
            }
        }

        var ticks = (long)(nanos / TimeSpan.NanosecondsPerTick);
        value = TimeSpan.FromTicks(negative ? -ticks : ticks);
        return true;
    }

    /// <summary>Writes a duration as Go does: <c>1m0s</c>, <c>1h0m0.5s</c>, <c>250ms</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan value)
    {
        var sign = value < TimeSpan.Zero ? "-" : "";
        var nanos = Int128.Abs((Int128)value.Ticks * TimeSpan.NanosecondsPerTick);
        if (nanos < Second)
        {
            return (long)nanos switch
            {
                0 => "0s",
                < 1_000 => $"{sign}{nanos}ns",
                < 1_000_000 => $"{sign}{Decimal(nanos, 1_000)}µs",
                _ => $"{sign}{Decimal(nanos, 1_000_000)}ms",
            };
        }

        var minutes = nanos / (60 * (Int128)Second);
        var text = new StringBuilder(sign);
        if (minutes >= 60)
        {
            text.Append(CultureInfo.InvariantCulture, $"{minutes / 60}h");
        }

        if (minutes > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{minutes % 60}m");
        }

        return text.Append(Decimal(nanos % (60 * (Int128)Second), Second)).Append('s').ToString();
    }

    /// <summary>The same without the zeros at its end, as people write it: <c>1m</c>, <c>24h</c>, <c>2m10s</c>.</summary>
    public static string FormatShort(TimeSpan value)
    {
        var text = Format(value);
        text = text.EndsWith("m0s", StringComparison.Ordinal) ? text[..^2] : text;
        return text.EndsWith("h0m", StringComparison.Ordinal) ? text[..^2] : text;
    }

    private static string Decimal(Int128 nanos, long unit) =>
        ((decimal)nanos / unit).ToString("0.#########", CultureInfo.InvariantCulture);

    private static bool TryReadTerm(ref ReadOnlySpan<char> rest, out Int128 nanos)
    {
        nanos = 0;
        Int128 whole = 0;
        Int128 fraction = 0;
        Int128 scale = 1;
        var digits = 0;
        var at = 0;
        for (; at < rest.Length && char.IsAsciiDigit(rest[at]); at++, digits++)
        {
            whole = (whole * 10) + (rest[at] - '0');
            if (whole > long.MaxValue)
            {
                return false;
            }
        }

        if (at < rest.Length && rest[at] == '.')
        {
            for (at++; at < rest.Length && char.IsAsciiDigit(rest[at]); at++, digits++)
            {
                if (scale < (Int128)Math.Pow(10, MaxFractionDigits))
                {
                    fraction = (fraction * 10) + (rest[at] - '0');
                    scale *= 10;
                }
            }
        }

        if (digits == 0 || !TryReadUnit(rest[at..], out var unit, out var length))
        {
            return false;
        }

        nanos = (whole * unit) + (fraction * unit / scale);
        rest = rest[(at + length)..];
        return true;
    }

    private static bool TryReadUnit(ReadOnlySpan<char> text, out long nanos, out int length)
    {
        // Two-letter units first, so that "ms" is not read as "m".
        (nanos, length) = text switch
        {
            ['n', 's', ..] => (1, 2),
            ['u' or 'µ' or 'μ', 's', ..] => (1_000, 2),
            ['m', 's', ..] => (1_000_000, 2),
            ['s', ..] => (Second, 1),
            ['m', ..] => (60 * Second, 1),
            ['h', ..] => (3600 * Second, 1),
            _ => (0L, 0),
        };
        return length > 0;
    }
}
