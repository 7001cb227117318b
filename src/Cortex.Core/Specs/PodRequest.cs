using Cortex.Core.Units;

namespace Cortex.Core.Specs;

/// <summary>What all containers of a pod ask for together.</summary>
/// <param name="CpuMillis">Thousandths of a processor.</param>
/// <param name="MemoryBytes">Bytes; shared memory is part of them.</param>
/// <param name="Gpu">Whole GPUs.</param>
/// <param name="Inf">Whole Inferentia chips.</param>
public sealed record PodRequest(long CpuMillis, long MemoryBytes, long Gpu, long Inf)
{
    /// <summary>The sum over a pod's containers; held at the largest number rather than overflowing.</summary>
    public static PodRequest Of(PodSpec pod) => new(
        Sum(pod, compute => compute.Cpu is { } cpu ? Quantity.Parse(cpu).MilliValue : 0),
        Sum(pod, compute => Math.Max(Bytes(compute.Mem), Bytes(compute.Shm))),
        Sum(pod, compute => compute.Gpu),
        Sum(pod, compute => compute.Inf));

    /// <summary>Whether an empty node of a group can hold the pod.</summary>
    public bool Fits(NodeGroupCapacity group) =>
        CpuMillis <= group.CpuMillis && MemoryBytes <= group.MemoryBytes && Gpu <= group.Gpu && Inf <= group.Inf;

    private static long Bytes(string? quantity) => quantity is null ? 0 : Quantity.Parse(quantity).Value;

    private static long Sum(PodSpec pod, Func<ComputeSpec, long> amount) =>
        (long)pod.Containers.Aggregate(Int128.Zero, (sum, container) => Int128.Min(sum + amount(container.Compute), long.MaxValue));
}
