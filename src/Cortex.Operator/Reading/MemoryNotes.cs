using Cortex.Core.Units;
using Cortex.Core.Wire;
using Cortex.Runtimes;

namespace Cortex.Operator.Reading;

/// <summary>Names the containers of an API that use more memory than room is kept for.</summary>
/// <param name="spec">The API; its pods may be of another version.</param>
internal sealed class MemoryNotes(DeployedSpec spec)
{
    private readonly SortedDictionary<string, (int Replicas, long Most)> _over = new(StringComparer.Ordinal);

    /// <summary>Takes in a replica of the version.</summary>
    public void Add(PodStatus pod)
    {
        foreach (var container in pod.Containers)
        {
            if (container.MemoryBytes > Asked(container.Name))
            {
                var (replicas, most) = _over.GetValueOrDefault(container.Name);
                _over[container.Name] = (replicas + 1, Math.Max(most, container.MemoryBytes.Value));
            }
        }
    }

    /// <summary>One sentence per container.</summary>
    public IReadOnlyList<string> Sentences() =>
    [
        .. _over.Select(over =>
            $"{over.Value.Replicas} {(over.Value.Replicas == 1 ? "replica uses" : "replicas use")} more memory than {(over.Value.Replicas == 1 ? "it asks" : "they ask")} for: "
            + $"container {over.Key} {(over.Value.Replicas == 1 ? "" : "up to ")}{Mebibytes(over.Value.Most)}, its compute.mem is {Mebibytes(Asked(over.Key)!.Value)}"),
    ];

    private long? Asked(string container) =>
        spec.Pod?.Containers.FirstOrDefault(c => c.Name == container)?.Compute.Mem is { } mem ? Quantity.Parse(mem).Value : null;

    private static string Mebibytes(long bytes) => $"{bytes >> 20}Mi";
}
