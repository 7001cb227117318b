using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A map from strings to strings with any keys. Gives a <see cref="SortedDictionary{TKey, TValue}"/> in ordinal order.</summary>
internal sealed class TextMapShape(StringShape values) : Shape
{
    /// <summary>What every key must be; null for anything.</summary>
    public StringShape? Keys { get; init; }

    /// <summary>What no key may start with.</summary>
    public IReadOnlyList<string> ForbiddenPrefixes { get; init; } = [];

    /// <summary>The kind of the error for such a key.</summary>
    public string PrefixKind { get; init; } = ErrorKinds.CantHavePrefix;

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (node is not YamlMap map)
        {
            return WrongType(node, spot, walk, "a map of strings");
        }

        var result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.Entries)
        {
            if (entry.Key is not YamlScalar { IsString: true } key)
            {
                walk.Fail(spot with { Place = entry.Key.Place }, ErrorKinds.InvalidPrimitiveType, $"every key must be a string, but one is {entry.Key.Describe()}; put it in quotes");
                continue;
            }

            var at = walk.Visit(spot.Key(key.Text, key.Place));
            if (ForbiddenPrefixes.FirstOrDefault(prefix => key.Text.StartsWith(prefix, StringComparison.Ordinal)) is { } forbidden)
            {
                walk.Fail(at, PrefixKind, $"must not start with {forbidden}, which is reserved");
            }

            if (Keys?.Check(key.Text) is var (kind, detail))
            {
                walk.Fail(at, kind, $"a name {detail}");
            }

            if (values.Read(entry.Value, at, walk) is string text)
            {
                result[key.Text] = text;
            }
        }

        return result;
    }

    public override ShapeWords ToWords(string variant) =>
        new("map of texts", ForbiddenPrefixes.Count > 0 ? $"no name may begin with {Words.Join([.. ForbiddenPrefixes.Select(prefix => $"`{prefix}`")], "or")}" : "");

    public override JsonObject ToSchema(string variant)
    {
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = values.ToSchema(variant) };
        var names = Keys?.ToSchema(variant) ?? [];
        if (ForbiddenPrefixes.Count > 0)
        {
            names["not"] = new JsonObject { ["pattern"] = $"^({string.Join('|', ForbiddenPrefixes)})" };
        }

        if (names.Count > 0)
        {
            schema["propertyNames"] = names;
        }

        return schema;
    }
}
