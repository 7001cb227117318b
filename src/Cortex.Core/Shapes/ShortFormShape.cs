using System.Text.Json.Nodes;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A map that may be written as the value of its main key alone. Gives a <see cref="MapValue"/>.</summary>
/// <param name="key">The main key; its value is a scalar.</param>
/// <param name="map">The map.</param>
internal sealed class ShortFormShape(string key, MapShape map) : Shape
{
    /// <summary>The map in its long form.</summary>
    public MapShape Map => map;

    public override string NullKind => map.NullKind;

    public override object? Read(YamlNode node, Spot spot, Walk walk) => map.Read(node is YamlScalar ? Long(node, spot) : node, spot, walk);

    public override ShapeWords ToWords(string variant) => new(IsShort(variant) ? $"map, or the value of its `{key}` alone" : "map");

    public override JsonObject ToSchema(string variant)
    {
        var schema = map.ToSchema(variant);
        return IsShort(variant)
            ? new JsonObject { ["anyOf"] = new JsonArray(map.Fields.Single(field => field.Key == key && field.AppliesTo(variant)).Shape.ToSchema(variant), schema) }
            : schema;
    }

    // Where another key must be there, too, the main one alone will not do.
    private bool IsShort(string variant) => !map.Fields.Any(field => field.Required && field.Key != key && field.AppliesTo(variant));

    private YamlMap Long(YamlNode value, Spot spot)
    {
        YamlEntry[] entries = [new(new YamlScalar(spot.Place, YamlScalarType.String, key), value)];
        return new YamlMap(value.Place, entries, entries);
    }
}
