namespace Cortex.Background;

/// <summary>A clock whose time of day never goes back while the process runs, so that nothing waits for the time that a clock set back has lost.</summary>
/// <remarks>It follows the system's clock forward. After that was set back it stays ahead of it, and goes on with its own speed. Thread-safe.</remarks>
/// <param name="inner">The clock that may be set.</param>
public sealed class SteadyTime(TimeProvider inner) : TimeProvider
{
    private readonly Lock _lock = new();
    private DateTimeOffset _seen = inner.GetUtcNow();
    private long _seenAt = inner.GetTimestamp();

    /// <inheritdoc/>
    public override long TimestampFrequency => inner.TimestampFrequency;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    /// <inheritdoc/>
    public override long GetTimestamp() => inner.GetTimestamp();

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            var shown = inner.GetUtcNow();
            var steady = _seen + inner.GetElapsedTime(_seenAt);
            if (shown >= steady)
            {
                (_seen, _seenAt) = (shown, inner.GetTimestamp());
                return shown;
            }

            return steady;
        }
    }
}
