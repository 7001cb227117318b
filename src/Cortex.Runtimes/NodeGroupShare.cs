namespace Cortex.Runtimes;

/// <summary>A named share of the machine. The machine itself stays the upper bound, whatever the shares add up to.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Priority">Of several groups that a pod may use and that have room, it takes one with the highest.</param>
/// <param name="CpuMillis">Thousandths of a processor that its pods may reserve together; null for all that the machine has.</param>
/// <param name="MemoryBytes">Bytes, likewise.</param>
/// <param name="Gpus">Whole GPUs, likewise.</param>
public sealed record NodeGroupShare(string Name, int Priority = 1, long? CpuMillis = null, long? MemoryBytes = null, long? Gpus = null);
