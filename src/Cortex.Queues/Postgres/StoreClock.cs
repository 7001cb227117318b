namespace Cortex.Queues.Postgres;

/// <summary>
/// The time that goes into the database, in microseconds since 1970. It starts from the database's clock, so that processes on
/// machines whose clocks differ agree.
/// </summary>
/// <param name="time">The clock of the process.</param>
/// <param name="offset">What the database's clock is ahead of it.</param>
/// <param name="floor">The latest time of any process before: a clock that was set back meanwhile must not make waits longer.</param>
internal sealed class StoreClock(TimeProvider time, TimeSpan offset, long floor)
{
    private readonly long _startStamp = time.GetTimestamp();
    private readonly long _start = Math.Max(floor, ToMicroseconds(time.GetUtcNow() + offset));

    public TimeProvider Time => time;

    /// <summary>The time of day: what people see, and what retention is counted from.</summary>
    public long Wall => ToMicroseconds(time.GetUtcNow() + offset);

    /// <summary>Never jumps while the process lives: what delays are counted in.</summary>
    public long Steady => _start + (long)time.GetElapsedTime(_startStamp).TotalMicroseconds;

    /// <summary>When something is due, as the time of day.</summary>
    public DateTimeOffset WallOf(long due) => ToTime(due - Steady + Wall);

    /// <summary>When something is due that is to happen after a while; 0 for at once.</summary>
    public long DueAfter(TimeSpan delay) => delay == TimeSpan.Zero ? 0 : Steady + ToMicroseconds(delay);

    public static long ToMicroseconds(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;

    public static long ToMicroseconds(DateTimeOffset at) => (at.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset ToTime(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}
