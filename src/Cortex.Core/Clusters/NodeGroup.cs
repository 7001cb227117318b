using System.Text.Json;

namespace Cortex.Core.Clusters;

/// <summary>A node group: a share of this machine that APIs can select by its name, or all of it.</summary>
public sealed record NodeGroup
{
    /// <summary>Unique; at most 26 letters, digits and dashes.</summary>
    public required string Name { get; init; }

    /// <summary>What the file calls the type of its machines.</summary>
    public required string InstanceType { get; init; }

    /// <summary>Fewest machines; 0 or more.</summary>
    public int MinInstances { get; init; } = 1;

    /// <summary>Most machines; 1 or more.</summary>
    public int MaxInstances { get; init; } = 5;

    /// <summary>1-100; higher is preferred.</summary>
    public int Priority { get; init; } = 1;

    /// <summary>Its share; null for the whole machine.</summary>
    public NodeGroupResources? Resources { get; init; }

    /// <summary>Values of the fields without effect, defaults included, by name.</summary>
    internal IReadOnlyDictionary<string, JsonElement> Unused { get; init; } = new Dictionary<string, JsonElement>();
}

/// <summary>What replicas and workers of a node group may ask for together. The machine stays the upper bound.</summary>
/// <param name="CpuMillis">Thousandths of a processor, as they are asked for: <c>docker.cpu_overcommit</c> adds nothing; null for all there is.</param>
/// <param name="MemoryBytes">Bytes; null for all there is.</param>
/// <param name="Gpus">Whole GPUs; null for all there are.</param>
public sealed record NodeGroupResources(long? CpuMillis, long? MemoryBytes, long? Gpus);
