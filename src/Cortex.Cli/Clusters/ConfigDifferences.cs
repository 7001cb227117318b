using YamlDotNet.RepresentationModel;

namespace Cortex.Cli.Clusters;

/// <summary>What changes between two cluster configurations, field by field.</summary>
internal static class ConfigDifferences
{
    /// <summary>Lines such as <c>api_port will be updated: 8889 -> 9000</c>, in the order of their names.</summary>
    public static IReadOnlyList<string> Between(string before, string after)
    {
        var (old, wanted) = (Flatten(before), Flatten(after));
        return
        [
            .. old.Keys.Union(wanted.Keys).Where(path => old.GetValueOrDefault(path) != wanted.GetValueOrDefault(path)).Order(StringComparer.Ordinal).Select(path =>
                !old.TryGetValue(path, out var was) ? $"{path} will be added: {wanted[path]}"
                : !wanted.TryGetValue(path, out var becomes) ? $"{path} will be removed (it is {was} now)"
                : $"{path} will be updated: {was} -> {becomes}"),
        ];
    }

    private static Dictionary<string, string> Flatten(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        if (stream.Documents.Count > 0)
        {
            Flatten(stream.Documents[0].RootNode, "", fields);
        }

        return fields;
    }

    private static void Flatten(YamlNode node, string path, Dictionary<string, string> fields)
    {
        switch (node)
        {
            case YamlMappingNode mapping:
                foreach (var (key, value) in mapping.Children)
                {
                    Flatten(value, path.Length == 0 ? $"{key}" : $"{path}.{key}", fields);
                }

                break;
            case YamlSequenceNode sequence:
                for (var index = 0; index < sequence.Children.Count; index++)
                {
                    Flatten(sequence.Children[index], $"{path}[{index}]", fields);
                }

                break;
            case YamlScalarNode scalar when path.Length > 0:
                fields[path] = scalar.Value ?? "null";
                break;
        }
    }
}
