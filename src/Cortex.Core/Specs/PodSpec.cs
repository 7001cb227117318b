namespace Cortex.Core.Specs;

/// <summary>What one replica or worker runs: containers that share a network namespace and <c>/mnt</c>.</summary>
public sealed record PodSpec
{
    /// <summary>The port that requests are sent to (1-65535); null for a TaskAPI.</summary>
    public int? Port { get; init; }

    /// <summary>Requests that may wait per replica (1-30000); 0 for kinds without a queue in front of the replica.</summary>
    public long MaxQueueLength { get; init; }

    /// <summary>Requests that one replica gets at once; 0 for kinds that have no such limit.</summary>
    public long MaxConcurrency { get; init; }

    /// <summary>At least one; names are unique within the pod.</summary>
    public required IReadOnlyList<ContainerSpec> Containers { get; init; }
}
