using Cortex.Queues;

namespace Cortex.Dispatch;

/// <summary>What is to become of a message after a call.</summary>
internal enum CallEnd
{
    /// <summary>It is completed with <see cref="CallOutcome.Result"/>.</summary>
    Completed,

    /// <summary>The attempt failed.</summary>
    Failed,

    /// <summary>The attempt failed in a way that the next one would, too.</summary>
    FailedForGood,

    /// <summary>The attempt was lost with its replica.</summary>
    Lost,

    /// <summary>It goes back to its place in the queue as if nothing had happened.</summary>
    PutBack,

    /// <summary>The lease is no longer ours: nothing is to be done.</summary>
    Revoked,
}

/// <summary>How a call ended.</summary>
/// <param name="End">What is to become of the message.</param>
/// <param name="Result">Of a completed one; of a failed one what the container answered, when it is to be kept, else of length 0.</param>
/// <param name="Attempt">Of a failed or lost one.</param>
internal readonly record struct CallOutcome(CallEnd End, Body Result = default, Attempt? Attempt = null);
