namespace Cortex.Background.Tests;

/// <summary>A clock that stands still until it is told otherwise, and tells when something waits for it.</summary>
internal sealed class ManualTime : TimeProvider
{
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _now;
    private TimeSpan _set;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero) + TimeSpan.FromTicks(GetTimestamp()) + _set;

    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _now.Ticks;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Sets the time of day, as an administrator does; timers and timestamps do not care.</summary>
    public void Set(TimeSpan by) => _set += by;

    /// <summary>Moves on, firing what falls due in order.</summary>
    public void Advance(TimeSpan by)
    {
        TimeSpan end;
        lock (_lock)
        {
            end = _now + by;
        }

        while (true)
        {
            ManualTimer? next;
            lock (_lock)
            {
                next = _timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due);
                _now = next?.Due ?? end;
                if (next is null)
                {
                    return;
                }

                _timers.Remove(next);
            }

            next.Fire();
        }
    }

    /// <summary>How long until the next timer, once there is one.</summary>
    public async Task<TimeSpan> NextTimerAsync()
    {
        while (true)
        {
            Task added;
            lock (_lock)
            {
                if (_timers.Count > 0)
                {
                    return _timers.Min(timer => timer.Due) - _now;
                }

                added = _added.Task;
            }

            await added.WaitAsync(_bound);
        }
    }

    /// <summary>Moves on once something waits.</summary>
    public async Task AdvanceAtTimerAsync(TimeSpan by)
    {
        await NextTimerAsync();
        Advance(by);
    }

    private sealed class ManualTimer(ManualTime time, Action fire) : ITimer
    {
        public TimeSpan Due { get; private set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    Due = time._now + dueTime;
                    time._timers.Add(this);
                    time._added.TrySetResult();
                    time._added = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                return true;
            }
        }

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
