using System.Globalization;
using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Units;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>Replicas as a number or as percent. Gives the text as a <see cref="string"/>.</summary>
internal sealed class SurgeShape : Shape
{
    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        var text = node switch
        {
            YamlScalar { Type: YamlScalarType.Int } scalar => scalar.Integer.ToString(CultureInfo.InvariantCulture),
            YamlScalar { IsString: true } scalar => scalar.Text,
            _ => null,
        };
        return text switch
        {
            null => WrongType(node, spot, walk, "a percentage such as 25%, or an integer"),
            "" => walk.Fail(spot, ErrorKinds.CannotBeEmpty, "cannot be empty; it must be a percentage such as 25%, or an integer"),
            _ when SurgeValue.TryParse(text, out _) => text,
            _ => walk.Fail(spot, ErrorKinds.InvalidSurgeOrUnavailable, $"\"{YamlScalar.Shorten(text)}\" must be a percentage from 0% to 100%, or an integer of 0 or more"),
        };
    }

    public override ShapeWords ToWords(string variant) => new("integer or percentage", "0 or more, or `0%` to `100%`");

    public override JsonObject ToSchema(string variant) => new()
    {
        ["anyOf"] = new JsonArray(
            new JsonObject { ["type"] = "integer", ["minimum"] = 0 },
            new JsonObject { ["type"] = "string", ["pattern"] = "^[+]?([0-9]+|(100|[0-9]{1,2})%)$" }),
    };
}
