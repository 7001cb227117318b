namespace Cortex.Queues.Sqlite;

/// <summary>
/// What stored things are stamped with, in milliseconds of Unix time: the time of day, but never earlier than it was before, also over restarts. A clock
/// that is set back makes nothing wait for the time that it lost. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="floor">The latest that was noted by the process before.</param>
internal sealed class SteadyClock(TimeProvider time, long floor)
{
    // Below this the two clocks only run at slightly different speeds.
    private const long Jump = 1000;

    private readonly Lock _lock = new();
    private long _base = floor;
    private long _stamp = time.GetTimestamp();

    public long Now => Read().Now;

    /// <summary>A stamp as the time of day that people see now.</summary>
    public DateTimeOffset Show(long stamp)
    {
        var (now, wall) = Read();
        return DateTimeOffset.FromUnixTimeMilliseconds(now - wall > Jump ? stamp - (now - wall) : stamp);
    }

    private (long Now, long Wall) Read()
    {
        lock (_lock)
        {
            var wall = time.GetUtcNow().ToUnixTimeMilliseconds();
            var now = _base + (long)time.GetElapsedTime(_stamp).TotalMilliseconds;
            if (wall > now)
            {
                (_base, _stamp, now) = (wall, time.GetTimestamp(), wall);
            }

            return (now, wall);
        }
    }
}
