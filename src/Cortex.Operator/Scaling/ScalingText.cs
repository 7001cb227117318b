using System.Globalization;
using Cortex.Core.Units;

namespace Cortex.Operator.Scaling;

/// <summary>Says in words why a decision came out as it did.</summary>
internal static class ScalingText
{
    /// <summary>One clause, without a full stop, that names the setting that had the last word and its value.</summary>
    public static string Why(in ScalingDecision decision)
    {
        var settings = decision.Settings;
        var falling = decision.Recommended < decision.Current;
        var period = falling ? "downscale_stabilization_period" : "upscale_stabilization_period";
        var length = GoDuration.Format(falling ? settings.DownscaleStabilizationPeriod : settings.UpscaleStabilizationPeriod);
        return decision.Reason switch
        {
            ScalingReason.Load => "as the load asks",
            ScalingReason.Tolerance => Text($"{(decision.Raw < decision.Current ? "downscale_tolerance" : "upscale_tolerance")}: the load asks for nearly as many as there are"),
            ScalingReason.MaxDownscaleFactor => Text($"max_downscale_factor: one step down keeps at least {settings.MaxDownscaleFactor} of the replicas"),
            ScalingReason.MaxUpscaleFactor => Text($"max_upscale_factor: one step up reaches at most {settings.MaxUpscaleFactor} times the replicas"),
            ScalingReason.MinReplicas => Text($"min_replicas is {settings.MinReplicas}"),
            ScalingReason.MaxReplicas => Text($"max_replicas is {settings.MaxReplicas}"),
            ScalingReason.DownscaleStabilization or ScalingReason.UpscaleStabilization => $"{period}: {(falling ? "more" : "less")} was recommended within the last {length}",
            ScalingReason.JustBegun => $"{period}: the API has been watched for less than {length}",
            ScalingReason.Awakened => "a request waited while there were no replicas",
            ScalingReason.Burst when decision.Requested > decision.Current => Text($"burst: the last {ApiScaling.BurstWindow.TotalSeconds} s had more than {ApiScaling.BurstThreshold} times what the replicas are meant for"),
            ScalingReason.Burst => Text($"burst: nothing is scaled down until it has been calm for {ApiScaling.BurstCalm.TotalSeconds} s"),
            ScalingReason.QueueAge => $"target_queue_age: what waits would become older than {GoDuration.Format(settings.TargetQueueAge ?? TimeSpan.Zero)}",
            _ => throw new ArgumentOutOfRangeException(nameof(decision), decision.Reason, "is no reason"),
        };
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
