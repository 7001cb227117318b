using System.Globalization;

namespace Cortex.Cli.Output;

/// <summary>Durations as Go writes them: <c>1h2m3s</c>.</summary>
internal static class GoDuration
{
    /// <summary>Whole seconds, the rest cut off: <c>1h2m3s</c>, <c>1m0s</c>, <c>45s</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        var seconds = (long)duration.TotalSeconds;
        var sign = seconds < 0 ? "-" : "";
        seconds = Math.Abs(seconds);
        var (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        return sign + (hours > 0 ? $"{hours}h{minutes}m{seconds % 60}s" : minutes > 0 ? $"{minutes}m{seconds % 60}s" : $"{seconds}s");
    }

    /// <summary>The same without losing a fraction: <c>1m30.5s</c>.</summary>
    public static string FormatExact(TimeSpan duration)
    {
        var fraction = duration.Ticks % TimeSpan.TicksPerSecond;
        if (fraction == 0)
        {
            return Format(duration);
        }

        var digits = fraction.ToString("D7", CultureInfo.InvariantCulture).TrimEnd('0');
        return $"{Format(duration)[..^1]}.{digits}s";
    }

    /// <summary>Reads a positive duration of hours, minutes and seconds, such as <c>10m</c> or <c>1h30m</c>.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var position = 0;
        while (position < text.Length)
        {
            var start = position;
            while (position < text.Length && (char.IsAsciiDigit(text[position]) || text[position] == '.'))
            {
                position++;
            }

            if (!double.TryParse(text.AsSpan(start, position - start), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || position == text.Length)
            {
                return false;
            }

            double? seconds = text[position++] switch { 'h' => 3600, 'm' when text[position..] is not ['s', ..] => 60, 's' => 1, _ => null };
            if (seconds is not { } unit || number * unit > TimeSpan.FromDays(365).TotalSeconds)
            {
                return false;
            }

            duration += TimeSpan.FromSeconds(number * unit);
        }

        return duration > TimeSpan.Zero;
    }
}
