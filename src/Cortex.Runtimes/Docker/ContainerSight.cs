namespace Cortex.Runtimes.Docker;

/// <summary>What the engine last said of a container.</summary>
internal enum ContainerSight
{
    /// <summary>It must be asked for.</summary>
    Unknown,

    /// <summary>There is none.</summary>
    Missing,

    /// <summary>It was never started.</summary>
    Created,

    /// <summary>It runs.</summary>
    Running,

    /// <summary>It ran and has ended.</summary>
    Ended,
}
