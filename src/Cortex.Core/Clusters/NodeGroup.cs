using System.Text.Json;

namespace Cortex.Core.Clusters;

/// <summary>A node group. On one machine all groups are this machine; their names can be selected by APIs.</summary>
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

    /// <summary>Values of the fields without effect, defaults included, by name.</summary>
    internal IReadOnlyDictionary<string, JsonElement> Unused { get; init; } = new Dictionary<string, JsonElement>();
}
