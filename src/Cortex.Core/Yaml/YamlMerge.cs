namespace Cortex.Core.Yaml;

/// <summary>Resolves merge keys and duplicate keys of a map.</summary>
internal static class YamlMerge
{
    /// <summary>
    /// The entries that hold: of duplicate keys the last; a map's own keys over merged ones; of several merged maps
    /// the first. False when a merge key has a value that cannot be merged.
    /// </summary>
    public static bool TryResolve(IReadOnlyList<YamlEntry> written, out IReadOnlyList<YamlEntry> entries)
    {
        var merged = new List<YamlMap>();
        var own = new List<YamlEntry>();
        foreach (var entry in written)
        {
            if (entry.Key is not YamlScalar { Type: YamlScalarType.Merge })
            {
                own.Add(entry);
            }
            else if (entry.Value is YamlMap map)
            {
                merged.Add(map);
            }
            else if (entry.Value is YamlList list && list.Items.All(item => item is YamlMap))
            {
                merged.AddRange(list.Items.Cast<YamlMap>());
            }
            else
            {
                entries = [];
                return false;
            }
        }

        var result = new Dictionary<(YamlScalarType?, string?, YamlNode?), YamlEntry>();
        foreach (var entry in own)
        {
            result[Identity(entry.Key)] = entry;
        }

        foreach (var entry in merged.SelectMany(map => map.Entries))
        {
            result.TryAdd(Identity(entry.Key), entry);
        }

        entries = [.. result.Values];
        return true;
    }

    // Lists and maps as keys are always refused later; each is its own key until then.
    private static (YamlScalarType? Type, string? Text, YamlNode? Other) Identity(YamlNode key) =>
        key is YamlScalar scalar ? (scalar.Type, scalar.Text, null) : (null, null, key);
}
