namespace Cortex.Runtimes.Supervision;

/// <summary>What a container does at this moment, before its history is looked at.</summary>
internal enum ContainerPhase
{
    /// <summary>It is to be created, or waits for the end of its restart backoff.</summary>
    Waiting,

    /// <summary>Its image is pulled or it is being created.</summary>
    Creating,

    /// <summary>Its image can't be had.</summary>
    ImageError,

    /// <summary>Its process runs.</summary>
    Running,

    /// <summary>It ended and is not started again.</summary>
    Ended,
}
