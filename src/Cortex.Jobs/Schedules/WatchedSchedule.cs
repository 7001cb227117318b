namespace Cortex.Jobs.Schedules;

/// <summary>The schedule of one API, with what need not outlive the process.</summary>
internal sealed class WatchedSchedule
{
    private volatile ScheduleState? _state;
    private volatile string _waitsFor = "";
    private volatile bool _busy;

    /// <summary>As it is stored; null before anything is.</summary>
    public ScheduleState? State
    {
        get => _state;
        set => _state = value;
    }

    /// <summary>What the run that is due waits for, for people.</summary>
    public string WaitsFor
    {
        get => _waitsFor;
        set => _waitsFor = value;
    }

    /// <summary>Whether it is being looked at.</summary>
    public bool Busy
    {
        get => _busy;
        set => _busy = value;
    }

    /// <summary>Nothing is done before, as the last step failed; null for at once.</summary>
    public DateTimeOffset? PausedUntil { get; set; }

    /// <summary>The run that is due is not submitted before; null for at once.</summary>
    public DateTimeOffset? RetryAt { get; set; }

    /// <summary>Since when the run that is due is refused; null when it is not.</summary>
    public DateTimeOffset? RefusedSince { get; set; }

    /// <summary>The pause before it is submitted again.</summary>
    public TimeSpan RetryDelay { get; set; }
}
