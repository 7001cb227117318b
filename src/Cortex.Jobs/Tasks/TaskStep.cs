namespace Cortex.Jobs.Tasks;

/// <summary>What is to be done next for a task job.</summary>
internal abstract record TaskStep
{
    private TaskStep()
    {
    }

    /// <summary>Nothing, until something changes.</summary>
    /// <param name="Message">What it waits for; empty when there is nothing to say.</param>
    public sealed record Wait(string Message) : TaskStep;

    /// <summary>Create its pod as soon as its turn comes.</summary>
    public sealed record Start : TaskStep;

    /// <summary>Note that a process of it runs.</summary>
    /// <param name="StartedAt">When the first one began.</param>
    public sealed record Run(DateTimeOffset StartedAt) : TaskStep;

    /// <summary>End its processes. The decision is kept before anything is done.</summary>
    /// <param name="Ending">The decision.</param>
    public sealed record Stop(JobEnding Ending) : TaskStep;

    /// <summary>Try again with a new pod.</summary>
    /// <param name="Message">How the attempt failed.</param>
    /// <param name="Interrupted">Whether something outside ended it or removed its containers.</param>
    public sealed record Retry(string Message, bool Interrupted) : TaskStep;

    /// <summary>It is over.</summary>
    /// <param name="Status">How it ended.</param>
    /// <param name="At">When it ended.</param>
    /// <param name="StartedAt">When its first process began; null when none ever did.</param>
    /// <param name="ExitCode">Exit code of the container that decided; null when none did.</param>
    /// <param name="Message">Why, for people.</param>
    public sealed record End(JobStatus Status, DateTimeOffset At, DateTimeOffset? StartedAt, int? ExitCode, string Message) : TaskStep;
}
