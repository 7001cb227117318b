namespace Cortex.Queues;

/// <summary>One attempt at a message that did not complete it.</summary>
public sealed record Attempt
{
    /// <summary>When it began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset Ended { get; init; }

    /// <summary>Who worked on it: the replica's id.</summary>
    public required string Worker { get; init; }

    /// <summary>Why it did not succeed, as a short stable word, such as <c>bad_status</c> or <c>timeout</c>.</summary>
    public required string Reason { get; init; }

    /// <summary>The same for people, in one sentence; at most 1024 characters.</summary>
    public string Message { get; init; } = "";

    /// <summary>Status code of the answer; null when there was none.</summary>
    public int? StatusCode { get; init; }

    /// <summary>The first kilobyte of the answer, as text; empty when there was none.</summary>
    public string Answer { get; init; } = "";
}
