namespace Cortex.Runtimes;

/// <summary>What is known of a pod at one moment.</summary>
public sealed record PodStatus
{
    /// <summary>The pod's id.</summary>
    public required string Id { get; init; }

    /// <summary>The labels it was created with.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>Where in its life it is.</summary>
    public required PodState State { get; init; }

    /// <summary>Why it is in this state, for people: the registry's words, the exit code, the room that is missing. Empty when there is nothing to say.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The frozen pod that is the first in the way of this one, which waits for room and would get it without those that are frozen; else null.</summary>
    public string? WaitsFor { get; init; }

    /// <summary>The node group that it takes its room from; null before it has room, and on a machine without groups.</summary>
    public string? NodeGroup { get; init; }

    /// <summary>Host and port that requests go to, once known.</summary>
    public PodAddress? Address { get; init; }

    /// <summary>When the pod was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it entered its present state.</summary>
    public required DateTimeOffset StateSince { get; init; }

    /// <summary>Its containers, in the order of the definition.</summary>
    public IReadOnlyList<ContainerStatus> Containers { get; init; } = [];
}

/// <summary>Where a pod takes requests.</summary>
/// <param name="Host">An IP address that this process can connect to.</param>
/// <param name="Port">1-65535.</param>
public readonly record struct PodAddress(string Host, int Port);

/// <summary>What is known of one container.</summary>
public sealed record ContainerStatus
{
    /// <summary>Its name in the pod.</summary>
    public required string Name { get; init; }

    /// <summary>Whether its process runs now.</summary>
    public bool Running { get; init; }

    /// <summary>Whether it passes its readiness probe.</summary>
    public bool Ready { get; init; }

    /// <summary>How often it was started again.</summary>
    public int Restarts { get; init; }

    /// <summary>Exit code of the last end; null when it never ended.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Whether the last end came from its memory limit.</summary>
    public bool OomKilled { get; init; }

    /// <summary>When its process last began, by the backend's clock; null when it never did or nobody knows.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When its process last ended, by the backend's clock; null when it never did.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The memory that it was last seen to use, in bytes; null when nobody looked since its start. It is looked at where it asks for memory.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Why it waits, was restarted or ended. Empty when there is nothing to say.</summary>
    public string Reason { get; init; } = "";
}
