using System.Text.Json;

namespace Cortex.Core.Clusters;

/// <summary>Defaults that only the shapes know.</summary>
internal static class ClusterDefaults
{
    /// <summary>The top-level fields without effect when no file sets them.</summary>
    public static IReadOnlyDictionary<string, JsonElement> Unused { get; } = ClusterShapes.UnusedOfCluster.ToDictionary(
        field => field.Key,
        field => field.DefaultNode is { } node ? Yaml.YamlJson.ToJson(node) : ValueJson.ToJson(null),
        StringComparer.Ordinal);
}
