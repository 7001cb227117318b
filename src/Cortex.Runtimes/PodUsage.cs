namespace Cortex.Runtimes;

/// <summary>What a pod uses.</summary>
/// <param name="CpuSeconds">Processor time since its start, in seconds.</param>
/// <param name="MemoryBytes">Working set in bytes.</param>
public sealed record PodUsage(double CpuSeconds, long MemoryBytes);
