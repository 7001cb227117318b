namespace Cortex.Runtimes;

/// <summary>Room of one node group, and how much of it is reserved.</summary>
public sealed record NodeGroupRoom
{
    /// <summary>The group's name.</summary>
    public required string Name { get; init; }

    /// <summary>Thousandths of a processor that its pods may reserve; never more than the machine's.</summary>
    public required long CpuMillis { get; init; }

    /// <summary>Bytes that its pods may reserve; never more than the machine's.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Whole GPUs; never more than the machine's.</summary>
    public required long Gpus { get; init; }

    /// <summary>Thousandths of a processor reserved by its pods.</summary>
    public required long CpuMillisReserved { get; init; }

    /// <summary>Bytes reserved by its pods.</summary>
    public required long MemoryBytesReserved { get; init; }

    /// <summary>GPUs reserved by its pods.</summary>
    public required long GpusReserved { get; init; }

    /// <summary>Pods that have room in it.</summary>
    public required int Pods { get; init; }
}
