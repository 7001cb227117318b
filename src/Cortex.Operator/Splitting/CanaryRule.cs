using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Core.Units;

namespace Cortex.Operator.Splitting;

/// <summary>Decides what a canary does next, from what its target's requests came to. Pure.</summary>
internal static class CanaryRule
{
    /// <summary>A target's 99th percentile is over a limit when more than this part of its requests exceeds the limit.</summary>
    private const double SlowShare = 0.01;

    /// <summary>The state that follows; the same object when nothing changes.</summary>
    /// <param name="canary">The settings.</param>
    /// <param name="state">Where it is.</param>
    /// <param name="step">What the target got since the step began.</param>
    /// <param name="recent">What the target got lately; part of <paramref name="step"/>.</param>
    /// <param name="watched">How long the step has been watched, which is less than it lasted when the server was away.</param>
    /// <param name="canServe">Whether the target has a ready replica, or is one that wakes at a request.</param>
    /// <param name="now">Now.</param>
    public static CanaryState Next(CanarySpec canary, CanaryState state, CanaryCounts step, CanaryCounts recent, TimeSpan watched, bool canServe, DateTimeOffset now)
    {
        switch (state.Phase)
        {
            case CanaryPhase.Waiting when canServe:
                return new CanaryState(CanaryPhase.Progressing, 0, now, "");
            case CanaryPhase.Progressing when (Broken(canary, step) ?? Broken(canary, recent)) is { } reason:
                return state with { Phase = CanaryPhase.RolledBack, Since = now, Reason = reason };
            case CanaryPhase.Progressing when watched >= canary.Every && step.Requests >= canary.MinRequests:
                return state.Step + 1 < canary.Steps.Count
                    ? state with { Step = state.Step + 1, Since = now }
                    : state with { Phase = CanaryPhase.Promoted, Since = now };
            default:
                return state;
        }
    }

    /// <summary>Percent of the requests that each target gets; for the shadow, that are copied to it. In the order of <paramref name="targets"/>.</summary>
    /// <param name="targets">The targets, with the weights that the configuration gives them.</param>
    /// <param name="canary">The settings; null without a canary.</param>
    /// <param name="state">Where the canary is; null without one.</param>
    public static IReadOnlyList<int> Weights(IReadOnlyList<TrafficSplitterTarget> targets, CanarySpec? canary, CanaryState? state)
    {
        if (canary is null || state is not { Phase: CanaryPhase.Progressing or CanaryPhase.Promoted })
        {
            return [.. targets.Select(target => target.Weight)];
        }

        var share = canary.Steps[state.Step];
        var others = targets.Where(target => !target.Shadow && target.Name != canary.To).ToList();
        var parts = Share(100 - share, [.. others.Select(target => target.Weight)]);
        return [.. targets.Select(target => target.Shadow ? target.Weight : target.Name == canary.To ? share : parts[others.IndexOf(target)])];
    }

    /// <summary>Why the target must not keep its requests; null when it may.</summary>
    private static string? Broken(CanarySpec canary, CanaryCounts seen)
    {
        // Of fewer requests than a step needs the missing ones count as good: what breaks a limit even so would break it later too.
        var requests = Math.Max(seen.Requests, canary.MinRequests);
        if (canary.MaxErrorRate is { } rate && seen.Errors > rate * requests)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{seen.Errors} of {seen.Requests} requests to {canary.To} failed; max_error_rate is {rate}");
        }

        return canary.MaxP99 is { } longest && seen.Slow > SlowShare * requests
            ? string.Create(CultureInfo.InvariantCulture, $"{seen.Slow} of {seen.Requests} requests to {canary.To} took longer than {GoDuration.Format(longest)}; max_p99 allows 1 of 100")
            : null;
    }

    // Shares a whole in proportion to weights, in integers: rounded down, and what is left goes to the largest remainders.
    private static int[] Share(int whole, IReadOnlyList<int> weights)
    {
        var total = Math.Max(1, weights.Sum());
        var parts = weights.Select(weight => whole * weight / total).ToArray();
        var left = whole - parts.Sum();
        foreach (var index in Enumerable.Range(0, parts.Length).OrderByDescending(index => whole * weights[index] % total).Take(left))
        {
            parts[index]++;
        }

        return parts;
    }
}
