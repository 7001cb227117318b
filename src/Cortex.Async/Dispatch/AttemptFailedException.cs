namespace Cortex.Async.Dispatch;

/// <summary>An answer that does not complete its request.</summary>
internal sealed class AttemptFailedException(string reason, string message, int? status = null, string answer = "") : Exception(message)
{
    /// <summary>One of <see cref="FailureReason"/>.</summary>
    public string Reason { get; } = reason;

    /// <summary>Whether the answer may have been cut off by the replica's end, which would be no failure of the attempt.</summary>
    public bool MayBeCut { get; init; }

    /// <summary>The answer's status.</summary>
    public int? Status { get; } = status;

    /// <summary>The first kilobyte of the answer.</summary>
    public string Answer { get; } = answer;
}
