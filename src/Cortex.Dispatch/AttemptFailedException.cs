using Cortex.Queues;

namespace Cortex.Dispatch;

/// <summary>An answer that does not complete its request.</summary>
public sealed class AttemptFailedException(string reason, string message, int? status = null, string answer = "") : Exception(message)
{
    /// <summary>One of <see cref="FailureReason"/>.</summary>
    public string Reason { get; } = reason;

    /// <summary>Whether the answer may have been cut off by the replica's end, which would be no failure of the attempt.</summary>
    public bool MayBeCut { get; init; }

    /// <summary>The whole answer, when it is to be kept for the one who looks; null otherwise.</summary>
    public Body? Kept { get; init; }

    /// <summary>The answer's status.</summary>
    public int? Status { get; } = status;

    /// <summary>The first kilobyte of the answer.</summary>
    public string Answer { get; } = answer;

    /// <summary>The same failure with the whole answer; one without a byte is not worth keeping.</summary>
    public AttemptFailedException With(Body kept) =>
        new(Reason, Message, Status, Answer) { MayBeCut = MayBeCut, Kept = kept.Length > 0 ? kept : null };
}
