namespace Cortex.Operator.Scaling;

/// <summary>What had the last word in a decision.</summary>
internal enum ScalingReason
{
    /// <summary>The load: no bound changed what it asks for.</summary>
    Load,

    /// <summary>The load asks for nearly what there is.</summary>
    Tolerance,

    /// <summary><c>max_downscale_factor</c>: one step down keeps this part.</summary>
    MaxDownscaleFactor,

    /// <summary><c>max_upscale_factor</c>: one step up reaches no more.</summary>
    MaxUpscaleFactor,

    /// <summary><c>min_replicas</c>.</summary>
    MinReplicas,

    /// <summary><c>max_replicas</c>.</summary>
    MaxReplicas,

    /// <summary><c>downscale_stabilization_period</c>: more was recommended within it.</summary>
    DownscaleStabilization,

    /// <summary><c>upscale_stabilization_period</c>: less was recommended within it.</summary>
    UpscaleStabilization,

    /// <summary>The API has been watched for less than the stabilization period of the direction.</summary>
    JustBegun,

    /// <summary>Somebody waited while no replica was wanted.</summary>
    Awakened,

    /// <summary><c>burst</c>: many more requests than the replicas are meant for.</summary>
    Burst,

    /// <summary><c>target_queue_age</c>: what waits would wait for too long.</summary>
    QueueAge,
}
