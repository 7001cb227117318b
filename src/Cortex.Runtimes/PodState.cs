namespace Cortex.Runtimes;

/// <summary>Where in its life a pod is. Derived as in Cortex 0.42's replica states.</summary>
public enum PodState
{
    /// <summary>Nothing of it runs yet, most often because there is no room.</summary>
    Pending,

    /// <summary>Pending for longer than the stall threshold (15 minutes by default).</summary>
    Stalled,

    /// <summary>Its images are being pulled or its containers created.</summary>
    Creating,

    /// <summary>It runs, but a probe has not passed.</summary>
    NotReady,

    /// <summary>It takes requests.</summary>
    Ready,

    /// <summary>An image can't be had. The pull is tried again with backoff.</summary>
    ErrImagePull,

    /// <summary>A container ended with an error.</summary>
    Failed,

    /// <summary>A container was ended by a signal (exit codes 129, 130, 137, 143).</summary>
    Killed,

    /// <summary>A container was ended because it used more memory than its limit.</summary>
    KilledOOM,

    /// <summary>Its processes stand still by <see cref="IContainerRuntime.FreezeAsync"/>: they keep their memory and use no processor, and nothing probes them.</summary>
    Frozen,

    /// <summary>It is being deleted.</summary>
    Terminating,

    /// <summary>Every container ended with 0 and none is started again.</summary>
    Succeeded,

    /// <summary>The backend's answer makes no sense.</summary>
    Unknown,
}
