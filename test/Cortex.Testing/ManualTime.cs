namespace Cortex.Testing;

/// <summary>A clock that stands still until a test moves it on. Its timers fire in <see cref="Advance"/>, in order, on the caller's thread.</summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private TaskCompletionSource _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _now = TimeSpan.FromHours(1);
    private DateTimeOffset _day;

    /// <summary>Makes a clock that shows the first moment of 2030, or another.</summary>
    public ManualTime(DateTimeOffset? start = null) => _day = start ?? new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A timestamp is in nanoseconds, as on Linux. It is not in ticks, so whoever takes one for the other is a hundredfold wrong.</summary>
    public override long TimestampFrequency => 1_000_000_000;

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _now.Ticks * (TimestampFrequency / TimeSpan.TicksPerSecond);
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _day;
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Sets the time of day, as an administrator does. Timers and timestamps do not care.</summary>
    public void Jump(TimeSpan by)
    {
        lock (_lock)
        {
            _day += by;
        }
    }

    /// <summary>Moves on, firing what falls due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        TimeSpan end;
        lock (_lock)
        {
            end = _now + by;
        }

        while (Next(end) is { } timer)
        {
            timer.Fire();
        }
    }

    /// <summary>How long it is until the next timer, once there is one.</summary>
    public async Task<TimeSpan> NextTimerAsync()
    {
        while (true)
        {
            Task armed;
            lock (_lock)
            {
                if (_timers.Count > 0)
                {
                    return _timers.Min(timer => timer.Due) - _now;
                }

                armed = _armed.Task;
            }

            await armed.WithinLimit();
        }
    }

    /// <summary>Moves on once something waits.</summary>
    public async Task AdvanceAtTimerAsync(TimeSpan by)
    {
        await NextTimerAsync();
        Advance(by);
    }

    /// <summary>Moves to the next timer that is due, or else to the end.</summary>
    private ManualTimer? Next(TimeSpan end)
    {
        lock (_lock)
        {
            var next = _timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due);
            var due = next?.Due ?? end;
            var now = due > _now ? due : _now;
            _day += now - _now;
            _now = now;
            next?.Rearm();
            return next;
        }
    }

    private sealed class ManualTimer(ManualTime time, Action fire) : ITimer
    {
        private TimeSpan _period;

        public TimeSpan Due { get; private set; }

        public void Fire() => fire();

        /// <summary>Sets the next time, before the present one is fired: that may change it again. Needs the lock.</summary>
        public void Rearm() => Arm(_period > TimeSpan.Zero ? _period : Timeout.InfiniteTimeSpan);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                _period = period;
                Arm(dueTime);
            }

            return true;
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

        private void Arm(TimeSpan dueTime)
        {
            time._timers.Remove(this);
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                return;
            }

            Due = time._now + dueTime;
            time._timers.Add(this);
            time._armed.TrySetResult();
            time._armed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
