namespace Cortex.Queues.Postgres.Leasing;

/// <summary>How many messages a second are handed out, over the last half second or so.</summary>
internal sealed class HandOutRate(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(250);

    private long _windowStart = time.GetTimestamp();
    private int _current;
    private int _before;

    public void Count()
    {
        Turn();
        _current++;
    }

    public double PerSecond()
    {
        var inWindow = Turn();
        return (_before + _current) / (Window + inWindow).TotalSeconds;
    }

    private TimeSpan Turn()
    {
        var elapsed = time.GetElapsedTime(_windowStart);
        if (elapsed < Window)
        {
            return elapsed;
        }

        _before = elapsed < 2 * Window ? _current : 0;
        _current = 0;
        _windowStart = time.GetTimestamp();
        return TimeSpan.Zero;
    }
}
