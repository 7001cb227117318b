namespace Cortex.Cli.Output;

/// <summary>How long ago something was, in its two largest units.</summary>
internal static class Elapsed
{
    /// <summary><c>5s</c>, <c>1m2s</c>, <c>1h2m</c>, and from two days on <c>2d3h</c>.</summary>
    public static string Format(TimeSpan elapsed)
    {
        var seconds = Math.Max(0, (long)elapsed.TotalSeconds);
        return seconds switch
        {
            < 60 => $"{seconds}s",
            < 3600 => $"{seconds / 60}m{seconds % 60}s",
            < 48 * 3600 => $"{seconds / 3600}h{seconds / 60 % 60}m",
            _ => $"{seconds / 86400}d{seconds / 3600 % 24}h",
        };
    }

    /// <summary>The same since a Unix time in seconds.</summary>
    public static string Since(long unixSeconds, TimeProvider time) =>
        Format(time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(unixSeconds));
}
