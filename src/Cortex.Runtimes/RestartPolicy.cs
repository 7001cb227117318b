namespace Cortex.Runtimes;

/// <summary>What happens when a container of a pod exits.</summary>
public enum RestartPolicy
{
    /// <summary>It is started again: at once the first time, then after a delay that doubles (see the runtime's options).</summary>
    Always,

    /// <summary>It stays as it is. One that fails ends the other containers of its pod.</summary>
    Never,
}
