using Cortex.Background;
using Cortex.Core.Clusters;

namespace Cortex.Jobs;

/// <summary>Bounds of running jobs.</summary>
public sealed record JobOptions
{
    /// <summary>The cluster's bounds.</summary>
    public JobSettings Limits { get; init; } = new();

    /// <summary>The folder of logs; made when it is missing.</summary>
    public required string LogFolder { get; init; }

    /// <summary>Everything is looked at at least this often, also when nothing tells of a change; default 5 s.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The pause after something failed that is tried again; doubles up to <see cref="MaxRetryDelay"/>; default 1 s.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between attempts; default 1 minute.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The pauses before something is tried again.</summary>
    internal Backoff Retries => new(RetryDelay, MaxRetryDelay);

    /// <summary>
    /// The least pause after an attempt that a signal from outside ended; default 20 s. A machine or an engine that goes down ends its containers one by
    /// one: Docker takes 15 s for it by default, and a container that it starts meanwhile ends, too.
    /// </summary>
    public TimeSpan InterruptedRetryDelay { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>A start that takes longer no longer counts among those at a time; default 10 s.</summary>
    public TimeSpan SlowStart { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Last lines of output that are kept with a job that failed; default 20.</summary>
    public int LastLogLines { get; init; } = 20;
}
