using System.Text;
using System.Text.Json;
using Cortex.Core.Clusters;

namespace Cortex.Cli.Clusters;

/// <summary>What becomes different when a cluster gets another configuration.</summary>
/// <param name="Changes">Values that change; a default that is written out is no change.</param>
/// <param name="Notes">What they bring along that nobody would guess.</param>
internal sealed record ConfigPlan(IReadOnlyList<ConfigChange> Changes, IReadOnlyList<string> Notes)
{
    public static ConfigPlan Between(ClusterSettings before, ClusterSettings after)
    {
        var (old, wanted) = (Flatten(before.Config), Flatten(after.Config));
        ConfigChange[] changes =
        [
            .. old.Keys.Union(wanted.Keys).Where(path => !ClusterKeys.HasNoEffect(path) && old.GetValueOrDefault(path) != wanted.GetValueOrDefault(path))
                .Select(path => new ConfigChange(path, old.GetValueOrDefault(path), wanted.GetValueOrDefault(path))),

            // Secrets look the same before and after.
            .. before.Config.Secrets.Keys.Intersect(after.Config.Secrets.Keys).Where(path => before.Config.Secrets[path] != after.Config.Secrets[path])
                .Select(path => new ConfigChange(path, ClusterConfig.HiddenSecret, $"another one, {ClusterConfig.HiddenSecret}")),
        ];
        return new ConfigPlan(changes, [.. NotesOn(changes, before, after)]);
    }

    /// <summary>The changes, each with what its key means, and the notes.</summary>
    public string Render()
    {
        var text = new StringBuilder();
        foreach (var change in Changes)
        {
            text.Append("  ").Append(change.Describe()).Append('\n');
            if (ClusterKeys.Describe(change.Path) is { } meaning)
            {
                text.Append("    ").Append(meaning).Append('\n');
            }
        }

        return text.AppendJoin("", Notes.Select(note => $"\n{note}")).Append(Notes.Count > 0 ? "\n" : "").ToString();
    }

    private static IEnumerable<string> NotesOn(ConfigChange[] changes, ClusterSettings before, ClusterSettings after)
    {
        bool Touches(string prefix) => changes.Any(change => change.Path.StartsWith(prefix, StringComparison.Ordinal));
        if (before.ApiEndpoint != after.ApiEndpoint)
        {
            yield return $"Clients reach the APIs at {after.ApiEndpoint} from then on, and no longer at {before.ApiEndpoint}.";
        }

        if (before.OperatorEndpoint != after.OperatorEndpoint)
        {
            yield return $"The environments on this machine follow to {after.OperatorEndpoint}; on others `cortex env configure` changes the address.";
        }

        if (Touches("docker.host"))
        {
            yield return "What runs on the other Docker Engine is left behind there: `cortex cluster down --keep-data` before this removes it.";
        }

        if (Touches("docker."))
        {
            yield return "Containers that run keep what they were started with; `cortex refresh API_NAME` replaces them.";
        }

        if (Touches("storage."))
        {
            yield return "What lies in the storage that was used before stays there: nothing is moved.";
        }
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
            case JsonValueKind.Null:
                break;
            default:
                fields[path] = value.ToString();
                break;
        }
    }
}
