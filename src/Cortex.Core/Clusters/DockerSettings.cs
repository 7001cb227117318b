namespace Cortex.Core.Clusters;

/// <summary>How the server reaches replicas.</summary>
public enum ReplicaAddressing
{
    /// <summary>Their own addresses where this machine can reach them, else published ports.</summary>
    Auto,

    /// <summary>Their addresses on the bridge network.</summary>
    Bridge,

    /// <summary>Ports published on the loopback address.</summary>
    Loopback,
}

/// <summary>How replicas run on Docker, or on Podman, which speaks the same.</summary>
public sealed record DockerSettings
{
    /// <summary>The engine's address: <c>unix://</c> and a path.</summary>
    public string Host { get; init; } = "unix:///var/run/docker.sock";

    /// <summary>How the server reaches replicas.</summary>
    public ReplicaAddressing Address { get; init; } = ReplicaAddressing.Auto;

    /// <summary>Processors that may be requested per processor there is; 1-100. Processors are shared by weight.</summary>
    public double CpuOvercommit { get; init; } = 4;

    /// <summary>Bytes of memory that are kept for the system.</summary>
    public long MemoryReserve { get; init; } = 512L * 1024 * 1024;

    /// <summary>A container that asks for memory and names no limit may use so many times what it asks for, 1-1000; null for what the machine can spare.</summary>
    public double? MemoryLimitFactor { get; init; }

    /// <summary>Processes and threads of one container; 0 for no limit.</summary>
    public int PidsLimit { get; init; } = 2048;

    /// <summary>Capabilities that containers keep besides the default ones, without <c>CAP_</c>.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>Whether programs in containers may gain rights by starting others, such as <c>sudo</c>.</summary>
    public bool NewPrivileges { get; init; }

    /// <summary>Whether Docker's init is the first process of containers whose image brings none.</summary>
    public bool Init { get; init; } = true;

    /// <summary>Whether containers of different replicas reach each other's addresses.</summary>
    public bool ReachContainers { get; init; }

    /// <summary>Whether containers reach the addresses at which clouds give a machine's credentials.</summary>
    public bool ReachMetadata { get; init; }

    /// <summary>Containers that Docker is asked to start, end or remove at a time, at most; 1-1000. It is asked for fewer while it is slow.</summary>
    public int ParallelStarts { get; init; } = 16;

    /// <summary>Network containers that are kept running for replicas to come; 0-100.</summary>
    public int SpareNetworks { get; init; } = 2;

    /// <summary>Longest pull of an image, before it counts as failed.</summary>
    public TimeSpan PullTimeout { get; init; } = TimeSpan.FromMinutes(30);
}
