using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A map with known keys. Gives a <see cref="MapValue"/>.</summary>
internal sealed class MapShape(params IReadOnlyList<Field> fields) : Shape
{
    public IReadOnlyList<Field> Fields => fields;

    /// <summary>Keys of which exactly one must have a value; empty for no such rule.</summary>
    public IReadOnlyList<string> ExactlyOneOf { get; init; } = [];

    /// <summary>Rules over several keys. They run last and skip values that were refused.</summary>
    public IReadOnlyList<Action<MapValue, Walk>> Rules { get; init; } = [];

    /// <summary>The kind of the error for a key that is not a string.</summary>
    public string KeyErrorKind { get; init; } = ErrorKinds.InvalidPrimitiveType;

    /// <summary>Whether unknown keys pass: for a first look at a map.</summary>
    public bool IgnoresUnknown { get; init; }

    /// <summary>Whether it fails when it is left out, for what it must hold.</summary>
    public bool IsDemanding => fields.Any(candidate => candidate.Required);

    public override string NullKind => ErrorKinds.CannotBeEmptyOrNull;

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (node is not YamlMap map)
        {
            return WrongType(node, spot, walk, "a map");
        }

        var value = new MapValue(spot);
        var written = Written(map, spot, walk);
        foreach (var field in fields.Where(field => field.AppliesTo(walk.Variant)))
        {
            if (written.Remove(field.Key, out var entry))
            {
                var at = walk.Visit(spot.Key(field.Key, entry.Key.Place));
                value.Add(field.Key, ReadWritten(field, entry.Value, at, walk), at);
            }
            else
            {
                value.Add(field.Key, ReadAbsent(field, spot.Key(field.Key, spot.Place), walk), null);
            }
        }

        foreach (var (key, entry) in written)
        {
            RefuseUnknown(key, spot.Key(key, entry.Key.Place), walk);
        }

        CheckExactlyOne(value, walk);
        foreach (var rule in Rules)
        {
            rule(value, walk);
        }

        return value;
    }

    public override ShapeWords ToWords(string variant) =>
        new("map", Choices(variant).Select(key => $"`{key}`").ToList() is { Count: > 0 } choices ? $"exactly one of {Words.Join(choices, "and")}" : "");

    public override JsonObject ToSchema(string variant)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var field in fields.Where(field => field.AppliesTo(variant)))
        {
            properties[field.Key] = JsonSchemaWriter.Describe(field, variant);
            if (field.Required || field is { Default: "{}", Shape: MapShape { IsDemanding: true } })
            {
                required.Add((JsonNode)field.Key);
            }
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = IgnoresUnknown };
        if (required.Count > 0)
        {
            schema["required"] = required;
        }

        if (ExactlyOneOf.Count > 0)
        {
            schema["oneOf"] = new JsonArray([.. fields.Where(field => field.AppliesTo(variant) && ExactlyOneOf.Contains(field.Key)).Select(field => new JsonObject
            {
                ["properties"] = new JsonObject { [field.Key] = new JsonObject { ["type"] = field.Shape is StringShape ? "string" : "object" } },
                ["required"] = new JsonArray(field.Key),
            })]);
        }

        return schema;
    }

    private IEnumerable<string> Choices(string variant) =>
        fields.Where(field => field.AppliesTo(variant) && ExactlyOneOf.Contains(field.Key)).Select(field => field.Key);

    private void CheckExactlyOne(MapValue value, Walk walk)
    {
        if (ExactlyOneOf.Count == 0)
        {
            return;
        }

        var choices = Choices(walk.Variant).Select(key => $"`{key}`").ToList();
        var set = Choices(walk.Variant).Where(key => value.Find<object>(key) is not null).Select(key => $"`{key}`").ToList();
        if (set.Count != 1)
        {
            walk.Fail(value.Spot, ErrorKinds.SpecifyExactlyOneField, set.Count == 0
                ? $"must have {Words.Join(choices, "or")}"
                : $"must have only one of {Words.Join(choices, "and")}, but has {Words.Join(set, "and")}");
        }
    }

    private Dictionary<string, YamlEntry> Written(YamlMap map, Spot spot, Walk walk)
    {
        var written = new Dictionary<string, YamlEntry>(StringComparer.Ordinal);
        foreach (var entry in map.Entries)
        {
            if (entry.Key is YamlScalar { IsString: true } key)
            {
                written[key.Text] = entry;
            }
            else
            {
                walk.Fail(spot with { Place = entry.Key.Place }, KeyErrorKind, $"every key of a map must be a string, but one is {entry.Key.Describe()}; put it in quotes");
            }
        }

        return written;
    }

    private static object? ReadWritten(Field field, YamlNode node, Spot spot, Walk walk)
    {
        if (node is not YamlScalar { IsNull: true })
        {
            return field.Shape.Read(node, spot, walk);
        }

        return field.Null switch
        {
            NullRule.Allowed => null,
            NullRule.Absent => ReadAbsent(field, spot, walk),
            NullRule.EmptyList => field.Shape.Read(new YamlList(node.Place, []), spot, walk),
            _ => walk.Fail(spot, field.Shape.NullKind, field.Required ? "cannot be null" : "cannot be null; leave the key out for its default"),
        };
    }

    private static object? ReadAbsent(Field field, Spot spot, Walk walk)
    {
        if (field.Required)
        {
            var whose = field.MissingKind == ErrorKinds.MustBeDefined ? "" : $" for {walk.Variant}";
            return walk.Fail(spot, field.MissingKind, $"must be defined{whose}");
        }

        return field.DefaultNode is null ? null : field.Shape.Read(field.DefaultNode, spot, walk);
    }

    private void RefuseUnknown(string key, Spot spot, Walk walk)
    {
        if (IgnoresUnknown)
        {
            return;
        }

        var owners = fields.Where(field => field.Key == key && field.Variants is not null).SelectMany(field => field.Variants!).ToList();
        if (owners.Count > 0)
        {
            var pronoun = owners.Count == 1 ? "it belongs to" : "it belongs only to";
            walk.Fail(spot, ErrorKinds.UnsupportedKey, $"`{key}` is not used by {walk.Variant}; {pronoun} {Words.Join(owners, "and")}");
            return;
        }

        var known = fields.Where(field => field.AppliesTo(walk.Variant)).Select(field => field.Key).ToList();
        walk.Fail(spot, ErrorKinds.UnsupportedKey, $"`{YamlScalar.Shorten(key)}` is not a key here; {Words.Hint(key, known)}");
    }
}
