namespace Cortex.Runtimes.Supervision;

/// <summary>An amount of what a machine has.</summary>
internal readonly record struct Room(long CpuMillis, long MemoryBytes, long Gpus)
{
    /// <summary>Whether it is nothing at all.</summary>
    public bool IsNothing => this == default;

    // Files in shared memory are memory, also of a container that asks for none besides.
    public static Room Of(PodDefinition pod) => new(
        pod.Containers.Sum(c => c.CpuMillis), pod.Containers.Sum(c => Math.Max(c.MemoryBytes, c.ShmBytes)), pod.Containers.Sum(c => c.Gpus));

    /// <summary>What is left of a reservation while its pod is frozen: what it holds without computing.</summary>
    public Room Frozen => this with { CpuMillis = 0 };

    public static Room operator +(Room a, Room b) => new(a.CpuMillis + b.CpuMillis, a.MemoryBytes + b.MemoryBytes, a.Gpus + b.Gpus);

    public static Room operator -(Room a, Room b) => new(a.CpuMillis - b.CpuMillis, a.MemoryBytes - b.MemoryBytes, a.Gpus - b.Gpus);

    /// <summary>Whether there is place for this in it. What is not asked for need not be there, also when more than everything is taken.</summary>
    public bool Fits(Room wants) =>
        (wants.CpuMillis == 0 || wants.CpuMillis <= CpuMillis)
        && (wants.MemoryBytes == 0 || wants.MemoryBytes <= MemoryBytes)
        && (wants.Gpus == 0 || wants.Gpus <= Gpus);

    /// <summary>The part of the machine that it is, from 0 to 1, by whatever it takes most of.</summary>
    public double ShareOf(Room machine) => Math.Max(
        Part(CpuMillis, machine.CpuMillis), Math.Max(Part(MemoryBytes, machine.MemoryBytes), Part(Gpus, machine.Gpus)));

    private static double Part(long some, long all) => all > 0 ? (double)some / all : 0;
}
