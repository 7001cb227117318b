namespace Cortex.Runtimes;

/// <summary>Room for pods, and how much of it is reserved.</summary>
public sealed record RuntimeCapacity
{
    /// <summary>The backend and its version, for people.</summary>
    public required string Description { get; init; }

    /// <summary>Thousandths of a processor that may be reserved, overcommitment included.</summary>
    public required long CpuMillis { get; init; }

    /// <summary>Bytes that may be reserved.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Whole GPUs.</summary>
    public required long Gpus { get; init; }

    /// <summary>Thousandths of a processor reserved by pods.</summary>
    public required long CpuMillisReserved { get; init; }

    /// <summary>Bytes reserved by pods.</summary>
    public required long MemoryBytesReserved { get; init; }

    /// <summary>GPUs reserved by pods.</summary>
    public required long GpusReserved { get; init; }

    /// <summary>The machine's node groups; empty when it has none.</summary>
    public IReadOnlyList<NodeGroupRoom> NodeGroups { get; init; } = [];
}
