namespace Cortex.Jobs.Schedules;

/// <summary>How schedules are looked at.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Every schedule is looked at at least this often, as clocks are set and machines sleep; default 10 s.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The pause after a submission that was refused; doubles up to <see cref="MaxRetryDelay"/>; default 1 s.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between submissions of a run; default 1 minute.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A run whose submission is refused for this long becomes no job; default 10 minutes.</summary>
    public TimeSpan SubmitFor { get; init; } = TimeSpan.FromMinutes(10);
}
