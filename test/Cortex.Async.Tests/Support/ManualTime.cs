namespace Cortex.Async.Tests.Support;

/// <summary>A clock that the test moves. Its odd frequency shows where ticks are taken for time spans.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private TimeSpan _now = TimeSpan.FromDays(20_000);

    public override long TimestampFrequency => 9_999_991;

    public override long GetTimestamp() => (long)(Now.TotalSeconds * TimestampFrequency);

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + Now;

    private TimeSpan Now
    {
        get
        {
            lock (_lock)
            {
                return _now;
            }
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        lock (_lock)
        {
            _timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        var end = Now + by;
        while (true)
        {
            ManualTimer? next;
            lock (_lock)
            {
                next = _timers.Where(timer => timer.Due <= end).MinBy(static timer => timer.Due);
                _now = next is null ? end : next.Due > _now ? next.Due : _now;
                next?.Arm(_now);
            }

            if (next is null)
            {
                return;
            }

            next.Fire();
        }
    }

    private sealed class ManualTimer(ManualTime time, Action fire) : ITimer
    {
        private TimeSpan _period = Timeout.InfiniteTimeSpan;

        public TimeSpan Due { get; private set; } = TimeSpan.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                _period = period;
                Due = dueTime == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : time._now + dueTime;
            }

            return true;
        }

        /// <summary>Sets the next time, as the present one is being fired.</summary>
        public void Arm(TimeSpan now) => Due = _period == Timeout.InfiniteTimeSpan || _period == TimeSpan.Zero ? TimeSpan.MaxValue : now + _period;

        public void Fire() => fire();

        public void Dispose()
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
