namespace Cortex.Core.Identifiers;

/// <summary>Makes time ids, each smaller than the one before, also when the clock stands still or steps back.</summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="time">The clock.</param>
/// <param name="newest">The smallest id made before, by an earlier process, if any: new ids stay below it.</param>
public sealed class TimeIdGenerator(TimeProvider time, TimeId? newest = null)
{
    private readonly Lock _lock = new();
    private long _last = newest?.Value ?? long.MaxValue;

    /// <summary>The next id.</summary>
    public TimeId Next()
    {
        var now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        lock (_lock)
        {
            _last = Math.Min(_last - 1, long.MaxValue - now);
            return new(_last);
        }
    }
}
