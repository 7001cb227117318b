using Cortex.Core.Specs;

namespace Cortex.Runtimes;

/// <summary>One container of a <see cref="PodDefinition"/>.</summary>
public sealed record PodContainer
{
    /// <summary>Unique within the pod.</summary>
    public required string Name { get; init; }

    /// <summary>The image to run; used from the machine when it is there, else pulled.</summary>
    public required string Image { get; init; }

    /// <summary>Replaces the image's entry point; null or empty keeps it. <c>$(VAR)</c> is expanded as Kubernetes does.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Replaces the image's arguments; null keeps them unless <see cref="Command"/> is set. <c>$(VAR)</c> is expanded.</summary>
    public IReadOnlyList<string>? Args { get; init; }

    /// <summary>In order: a later value may refer to an earlier one with <c>$(VAR)</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Env { get; init; } = [];

    /// <summary>Reservation and weight in thousandths of a processor; 0 reserves none.</summary>
    public long CpuMillis { get; init; }

    /// <summary>Reservation in bytes; 0 reserves none.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>What it may use at most, in bytes; 0 leaves that to the runtime.</summary>
    public long MemoryLimitBytes { get; init; }

    /// <summary>Size of <c>/dev/shm</c> in bytes; 0 keeps the backend's default.</summary>
    public long ShmBytes { get; init; }

    /// <summary>Whole GPUs, for this container alone.</summary>
    public long Gpus { get; init; }

    /// <summary>Whether the container takes requests; null counts as ready while it runs.</summary>
    public ProbeSpec? ReadinessProbe { get; init; }

    /// <summary>Whether the container must be restarted; null never asks for it.</summary>
    public ProbeSpec? LivenessProbe { get; init; }

    /// <summary>Runs before SIGTERM.</summary>
    public PreStopSpec? PreStop { get; init; }
}
