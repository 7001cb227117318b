using Cortex.Core.Specs;

namespace Cortex.Operator.Scaling;

/// <summary>Decides how many replicas an API should have. Pure: no clock, no I/O.</summary>
/// <remarks>
/// The rule of Cortex 0.42, step by step, with the arithmetic of its doubles; what is urgent comes on top and only ever
/// raises the outcome.
/// </remarks>
internal static class ScalingRule
{
    /// <summary>One decision.</summary>
    /// <param name="input">What is known of the load.</param>
    /// <param name="settings">The API's settings.</param>
    /// <param name="history">Earlier recommendations. The caller adds <see cref="ScalingDecision.Recommended"/> of this decision.</param>
    public static ScalingDecision Decide(in ScalingInput input, AutoscalingSpec settings, RecommendationHistory history)
    {
        var raw = input.InFlight / settings.TargetInFlight;
        var (recommended, reason) = Recommend(raw, input.Current, settings);
        var urgent = input.Urgent > 0 ? Recommend(input.Urgent, input.Current, settings) : (Value: 0, Reason: ScalingReason.Load);
        if (urgent.Value > recommended)
        {
            (recommended, reason) = (urgent.Value, urgent.Reason == ScalingReason.Load ? input.UrgentReason : urgent.Reason);
        }

        var requested = Stabilize(recommended, input, settings, history, ref reason);
        if (urgent.Value > input.Current && urgent.Value >= requested)
        {
            requested = urgent.Value;
            reason = urgent.Reason == ScalingReason.Load ? input.UrgentReason : urgent.Reason;
        }

        if (input.InBurst)
        {
            Cut(ref requested, Math.Max(requested, input.Current), ref reason, ScalingReason.Burst);
        }

        return new ScalingDecision
        {
            Current = input.Current,
            InFlight = input.InFlight,
            Raw = Math.Max(raw, input.Urgent),
            Recommended = recommended,
            Requested = requested,
            Reason = reason,
            Settings = settings,
        };
    }

    // Doubles until the replica bounds have made them small enough for an int.
    private static (int Value, ScalingReason Reason) Recommend(double raw, int current, AutoscalingSpec settings)
    {
        var reason = ScalingReason.Load;
        var value = Math.Ceiling(raw);
        if ((current * (1 - settings.DownscaleTolerance) < raw && raw < current) || (current < raw && raw < current * (1 + settings.UpscaleTolerance)))
        {
            Cut(ref value, current, ref reason, ScalingReason.Tolerance);
        }

        // Whatever the factors say, one step may always move by one replica.
        var floor = Math.Min(current - 1, Math.Ceiling(current * settings.MaxDownscaleFactor));
        Cut(ref value, Math.Max(value, floor), ref reason, ScalingReason.MaxDownscaleFactor);
        var ceiling = Math.Max(current + 1, Math.Ceiling(current * settings.MaxUpscaleFactor));
        Cut(ref value, Math.Min(value, ceiling), ref reason, ScalingReason.MaxUpscaleFactor);
        Cut(ref value, Math.Max(value, settings.MinReplicas), ref reason, ScalingReason.MinReplicas);
        Cut(ref value, Math.Min(value, settings.MaxReplicas), ref reason, ScalingReason.MaxReplicas);
        return ((int)value, reason);
    }

    private static int Stabilize(int recommended, in ScalingInput input, AutoscalingSpec settings, RecommendationHistory history, ref ScalingReason reason)
    {
        var current = input.Current;
        var requested = recommended;
        if (requested < current)
        {
            var period = settings.DownscaleStabilizationPeriod;
            if (input.Now - input.Start < period)
            {
                Cut(ref requested, current, ref reason, ScalingReason.JustBegun);
            }
            else if (period > TimeSpan.Zero)
            {
                var highest = Math.Max(recommended, history.Highest(input.Now - period) ?? recommended);
                Cut(ref requested, Math.Max(requested, Math.Min(highest, current)), ref reason, ScalingReason.DownscaleStabilization);
            }
        }

        if (requested > current)
        {
            var period = settings.UpscaleStabilizationPeriod;
            if (input.Now - input.Start < period)
            {
                Cut(ref requested, current, ref reason, ScalingReason.JustBegun);
            }
            else if (period > TimeSpan.Zero)
            {
                var lowest = Math.Min(recommended, history.Lowest(input.Now - period) ?? recommended);
                Cut(ref requested, Math.Min(requested, Math.Max(lowest, current)), ref reason, ScalingReason.UpscaleStabilization);
            }
        }

        return requested;
    }

    private static void Cut<T>(ref T value, T to, ref ScalingReason reason, ScalingReason why)
        where T : struct, IEquatable<T>
    {
        if (!value.Equals(to))
        {
            value = to;
            reason = why;
        }
    }
}
