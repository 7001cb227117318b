namespace Cortex.Core.Specs;

/// <summary>One container of a pod.</summary>
public sealed record ContainerSpec
{
    /// <summary>Unique within the pod; a DNS-1035 label.</summary>
    public required string Name { get; init; }

    /// <summary>A container image reference; without a tag the runtime takes <c>latest</c>.</summary>
    public required string Image { get; init; }

    /// <summary>The user's variables, in ordinal order of their names.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Replaces the image's entry point; null keeps it.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Replaces the image's arguments; null keeps them.</summary>
    public IReadOnlyList<string>? Args { get; init; }

    /// <summary>Decides whether the container takes requests.</summary>
    public ProbeSpec? ReadinessProbe { get; init; }

    /// <summary>Decides whether the container is restarted.</summary>
    public ProbeSpec? LivenessProbe { get; init; }

    /// <summary>Runs before the container is told to stop.</summary>
    public PreStopSpec? PreStop { get; init; }

    /// <summary>What the container asks of its machine.</summary>
    public ComputeSpec Compute { get; init; } = new();
}
