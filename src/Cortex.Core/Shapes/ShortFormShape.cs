using System.Text.Json.Nodes;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A map that may be written as the value of its main key alone. Gives a <see cref="MapValue"/>.</summary>
/// <param name="key">The main key; its value is a scalar.</param>
/// <param name="map">The map.</param>
internal sealed class ShortFormShape(string key, MapShape map) : Shape
{
    public override string NullKind => map.NullKind;

    public override object? Read(YamlNode node, Spot spot, Walk walk) => map.Read(node is YamlScalar ? Long(node, spot) : node, spot, walk);

    public override JsonObject ToSchema(string variant)
    {
        var schema = map.ToSchema(variant);
        var fields = map.Fields.Where(field => field.AppliesTo(variant)).ToList();
        return fields.Any(field => field.Required && field.Key != key)
            ? schema
            : new JsonObject { ["anyOf"] = new JsonArray(fields.Single(field => field.Key == key).Shape.ToSchema(variant), schema) };
    }

    private YamlMap Long(YamlNode value, Spot spot)
    {
        YamlEntry[] entries = [new(new YamlScalar(spot.Place, YamlScalarType.String, key), value)];
        return new YamlMap(value.Place, entries, entries);
    }
}
