using System.Globalization;

namespace Cortex.Runtimes.Supervision;

/// <summary>Decides which waiting pods get room. Pure.</summary>
/// <remarks>
/// Pods are taken in creation order and each that fits starts: a small pod may pass a big one that waits, but only for
/// <c>patience</c>. From then on the room that the machine has free is kept for the oldest waiting pod, so that it is not
/// starved by small ones; a pod that is larger than the whole machine never holds anybody up.
/// </remarks>
internal static class RoomRule
{
    /// <summary>Who may start, and why the others may not.</summary>
    /// <param name="capacity">All the room there is.</param>
    /// <param name="taken">What running pods reserve.</param>
    /// <param name="waiting">In creation order: the pod's id, what it wants and for how long it has waited.</param>
    /// <param name="patience">For how long younger pods may pass an older one.</param>
    public static IReadOnlyDictionary<string, string?> Decide(
        Room capacity, Room taken, IEnumerable<(string Id, Room Wants, TimeSpan Waited)> waiting, TimeSpan patience)
    {
        var decisions = new Dictionary<string, string?>(StringComparer.Ordinal);
        var free = capacity - taken;
        string? keptFor = null;
        foreach (var (id, wants, waited) in waiting)
        {
            var shortage = Shortage(wants, free, capacity);
            if (shortage is null && keptFor is not null)
            {
                shortage = $"the free room is kept for {keptFor}, which has waited for longest";
            }

            decisions[id] = shortage;
            if (shortage is null)
            {
                free -= wants;
            }
            else if (keptFor is null && waited >= patience && Shortage(wants, capacity, capacity) is null)
            {
                keptFor = id;
            }
        }

        return decisions;
    }

    private static string? Shortage(Room wants, Room free, Room all)
    {
        var missing = new List<string>();
        if (wants.CpuMillis > 0 && wants.CpuMillis > free.CpuMillis)
        {
            missing.Add($"not enough cpu: wants {wants.CpuMillis}m, {Math.Max(0, free.CpuMillis)}m of {all.CpuMillis}m are free");
        }

        if (wants.MemoryBytes > 0 && wants.MemoryBytes > free.MemoryBytes)
        {
            missing.Add($"not enough memory: wants {Mebibytes(wants.MemoryBytes)}, {Mebibytes(Math.Max(0, free.MemoryBytes))} of {Mebibytes(all.MemoryBytes)} are free");
        }

        if (wants.Gpus > 0 && wants.Gpus > free.Gpus)
        {
            missing.Add($"not enough gpus: wants {wants.Gpus}, {Math.Max(0, free.Gpus)} of {all.Gpus} are free");
        }

        return missing.Count == 0 ? null : string.Join("; ", missing);
    }

    private static string Mebibytes(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} Mi");
}
