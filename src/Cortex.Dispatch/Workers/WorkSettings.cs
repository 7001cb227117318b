namespace Cortex.Dispatch.Workers;

/// <summary>How the messages of one queue are brought to workers.</summary>
public sealed record WorkSettings
{
    /// <summary>What the queue is called in logs.</summary>
    public required string Name { get; init; }

    /// <summary>The queue; it has been configured.</summary>
    public required string Queue { get; init; }

    /// <summary>Headers of every request: each a line <c>Name: value</c> with CR and LF behind it, in Latin-1.</summary>
    public required ReadOnlyMemory<byte> HeaderLines { get; init; }

    /// <summary>Attempts that may fail before a message is given up; 1 and more.</summary>
    public int MaxAttempts { get; init; } = 1;

    /// <summary>Pause before the second attempt; doubles with each further one.</summary>
    public TimeSpan RetryBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest pause between attempts.</summary>
    public TimeSpan RetryBackoffMax { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Attempts that may be lost with their worker before a message is given up; 0 to 100.</summary>
    public int MaxLostAttempts { get; init; } = 5;
}
