using Cortex.Background;
using Cortex.Routing;

namespace Cortex.Dispatch;

/// <summary>When a request is tried again.</summary>
internal static class RetryRule
{
    /// <summary>The pause behind an attempt that failed; null when it was the last.</summary>
    /// <param name="policy">The API's.</param>
    /// <param name="failedBefore">Attempts that failed before this one.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan? AfterFailure(QueuePolicy policy, int failedBefore, double random) =>
        failedBefore + 1 >= policy.MaxAttempts ? null : Pause(policy, failedBefore + 1, random);

    /// <summary>The pause behind an attempt that was lost with its replica; null when too many were.</summary>
    /// <param name="policy">The API's.</param>
    /// <param name="lostBefore">Attempts that were lost before this one.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan? AfterLoss(QueuePolicy policy, int lostBefore, double random) =>
        lostBefore >= policy.MaxLostAttempts ? null : Pause(policy, lostBefore, random);

    private static TimeSpan Pause(QueuePolicy policy, int failures, double random) =>
        Backoff.Jittered(new Backoff(policy.RetryBackoff, policy.RetryBackoffMax).After(failures), random);
}
