namespace Cortex.Queues.Postgres;

/// <summary>
/// The time that goes into the database, in microseconds since 1970. It starts from the database's clock, so that processes on
/// machines whose clocks differ agree.
/// </summary>
internal sealed class StoreClock(TimeProvider time, DateTimeOffset databaseNow)
{
    private readonly TimeSpan _offset = databaseNow - time.GetUtcNow();
    private readonly long _startStamp = time.GetTimestamp();
    private readonly long _start = ToMicroseconds(databaseNow);

    public TimeProvider Time => time;

    /// <summary>The time of day: what people see, and what retention is counted from.</summary>
    public long Wall => ToMicroseconds(time.GetUtcNow() + _offset);

    /// <summary>Never jumps while the process lives: what delays are counted in.</summary>
    public long Steady => _start + (long)time.GetElapsedTime(_startStamp).TotalMicroseconds;

    public static long ToMicroseconds(DateTimeOffset at) => (at.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset ToTime(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}
