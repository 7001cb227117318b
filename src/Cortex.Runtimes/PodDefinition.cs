namespace Cortex.Runtimes;

/// <summary>What a runtime needs to know to run one replica or one job worker.</summary>
public sealed record PodDefinition
{
    /// <summary>Unique in the cluster, chosen by the caller; a DNS-1035 label of at most 63 characters.</summary>
    public required string Id { get; init; }

    /// <summary>What the pod belongs to; kept with it and given back in its status. See <see cref="PodLabels"/>.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>Started in this order, sharing one network namespace and <c>/mnt</c>.</summary>
    public required IReadOnlyList<PodContainer> Containers { get; init; }

    /// <summary>Names of the node groups that it may take room from, the first preferred among those of one priority; null for all.</summary>
    public IReadOnlyList<string>? NodeGroups { get; init; }

    /// <summary>The port that requests are sent to; null when the pod takes none.</summary>
    public int? Port { get; init; }

    /// <summary>
    /// When set, the pod is ready only while this port accepts TCP connections, besides the readiness probes of its
    /// containers.
    /// </summary>
    public int? DefaultProbePort { get; init; }

    /// <summary>Whether a container that exits is started again.</summary>
    public RestartPolicy Restart { get; init; } = RestartPolicy.Always;

    /// <summary>
    /// From SIGTERM to SIGKILL where the runtime itself ends a container: after a failed liveness probe, or when another
    /// container of a job has failed. Null takes the runtime's own.
    /// </summary>
    public TimeSpan? StopGrace { get; init; }

    /// <summary>
    /// For a job: how long its other containers may run on once one has ended with 0 and none has failed. Then they are ended, and how they
    /// end is no failure. Null lets them run until they end by themselves.
    /// </summary>
    public TimeSpan? HelperGrace { get; init; }

    /// <summary>Read-only files that every container sees: absolute path to text.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();
}
