using System.Text.Json;
using Cortex.Core.Clusters;

namespace Cortex.Cli.Clusters;

/// <summary>What changes between two cluster configurations, field by field.</summary>
internal static class ConfigDifferences
{
    /// <summary>Lines such as <c>apis.port will be updated: 8889 -> 9000</c>. A default that is written out is no change.</summary>
    public static IReadOnlyList<string> Between(ClusterConfig before, ClusterConfig after)
    {
        var (old, wanted) = (Flatten(before), Flatten(after));
        return
        [
            // Secrets look the same before and after.
            .. before.Secrets.Keys.Intersect(after.Secrets.Keys).Where(path => before.Secrets[path] != after.Secrets[path]).Select(path => $"{path} will be updated (it is not shown)"),
            .. old.Keys.Union(wanted.Keys).Where(path => old.GetValueOrDefault(path) != wanted.GetValueOrDefault(path)).Select(path =>
                !old.TryGetValue(path, out var was) ? $"{path} will be added: {wanted[path]}"
                : !wanted.TryGetValue(path, out var becomes) ? $"{path} will be removed (it is {was} now)"
                : $"{path} will be updated: {was} -> {becomes}"),
        ];
    }

    private static Dictionary<string, string> Flatten(ClusterConfig config)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        Flatten(config.ToInfo("", "", "", isOperatorInCluster: false), "", fields);
        return fields;
    }

    private static void Flatten(JsonElement value, string path, Dictionary<string, string> fields)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in value.EnumerateObject())
                {
                    Flatten(property.Value, path.Length == 0 ? property.Name : $"{path}.{property.Name}", fields);
                }

                break;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in value.EnumerateArray())
                {
                    Flatten(item, $"{path}[{index++}]", fields);
                }

                break;
            default:
                fields[path] = value.ToString() is { Length: > 0 } text ? text : "null";
                break;
        }
    }
}
