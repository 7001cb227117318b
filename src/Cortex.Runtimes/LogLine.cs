namespace Cortex.Runtimes;

/// <summary>One line of a container's output.</summary>
/// <param name="Container">The container's name.</param>
/// <param name="Timestamp">When it was written.</param>
/// <param name="Text">Without the line end.</param>
/// <param name="IsError">Whether it came on standard error.</param>
public readonly record struct LogLine(string Container, DateTimeOffset Timestamp, string Text, bool IsError);

/// <summary>Which lines to read.</summary>
public sealed record LogQuery
{
    /// <summary>Only this container; null reads all, merged as they come.</summary>
    public string? Container { get; init; }

    /// <summary>Go on with new lines until the pod ends or the caller cancels.</summary>
    public bool Follow { get; init; }

    /// <summary>Begin with at most this many of the last lines of each container; null begins with the first.</summary>
    public int? Tail { get; init; }
}
