namespace Cortex.Runtimes.Supervision;

/// <summary>An amount of what a machine has.</summary>
internal readonly record struct Room(long CpuMillis, long MemoryBytes, long Gpus)
{
    public static Room Of(PodDefinition pod) => new(
        pod.Containers.Sum(c => c.CpuMillis), pod.Containers.Sum(c => c.MemoryBytes), pod.Containers.Sum(c => c.Gpus));

    /// <summary>What is left of a reservation while its pod is frozen: what it holds without computing.</summary>
    public Room Frozen => this with { CpuMillis = 0 };

    public static Room operator +(Room a, Room b) => new(a.CpuMillis + b.CpuMillis, a.MemoryBytes + b.MemoryBytes, a.Gpus + b.Gpus);

    public static Room operator -(Room a, Room b) => new(a.CpuMillis - b.CpuMillis, a.MemoryBytes - b.MemoryBytes, a.Gpus - b.Gpus);
}
