namespace Cortex.Async.Dispatch;

/// <summary>When a request is tried again.</summary>
internal static class RetryRule
{
    /// <summary>The pause behind an attempt that failed; null when it was the last.</summary>
    /// <param name="policy">The API's.</param>
    /// <param name="failedBefore">Attempts that failed before this one.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan? AfterFailure(QueuePolicy policy, int failedBefore, double random) =>
        failedBefore + 1 >= policy.MaxAttempts ? null : Pause(policy, failedBefore, random);

    /// <summary>The pause behind an attempt that was lost with its replica; null when too many were.</summary>
    /// <param name="policy">The API's.</param>
    /// <param name="lostBefore">Attempts that were lost before this one.</param>
    /// <param name="random">0 to 1.</param>
    public static TimeSpan? AfterLoss(QueuePolicy policy, int lostBefore, double random) =>
        lostBefore >= policy.MaxLostAttempts ? null : lostBefore == 0 ? TimeSpan.Zero : Pause(policy, lostBefore - 1, random);

    /// <summary>The pause doubles from time to time up to its bound, give or take a fifth.</summary>
    private static TimeSpan Pause(QueuePolicy policy, int before, double random)
    {
        var pause = Math.Min(policy.RetryBackoff.TotalSeconds * Math.Pow(2, before), policy.RetryBackoffMax.TotalSeconds);
        return TimeSpan.FromSeconds(pause * (0.8 + (0.4 * random)));
    }
}
