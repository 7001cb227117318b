using System.Globalization;
using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Units;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A quantity in Kubernetes' notation. Gives the user's own text as a <see cref="string"/>.</summary>
internal sealed class QuantityShape(string min) : Shape
{
    /// <summary>The largest value; null for none of its own.</summary>
    public string? Max { get; init; }

    /// <summary>Whether a bare number will do.</summary>
    public bool TakesNumbers { get; init; }

    /// <summary>A valid value for the message.</summary>
    public string Example { get; init; } = "512Mi";

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        var text = node switch
        {
            YamlScalar { Type: YamlScalarType.Int } scalar when TakesNumbers => scalar.Integer.ToString(CultureInfo.InvariantCulture),
            YamlScalar { Type: YamlScalarType.Float } scalar when TakesNumbers => FloatText(scalar.Number),
            YamlScalar { Type: YamlScalarType.Int or YamlScalarType.Float } => null,
            YamlScalar { IsString: true } scalar => scalar.Text,
            _ => null,
        };
        if (text is null)
        {
            return WrongType(node, spot, walk, node is YamlScalar { Type: YamlScalarType.Int or YamlScalarType.Float } number
                ? $"a string (put it in quotes: \"{YamlScalar.Shorten(number.Text)}\")"
                : TakesNumbers ? $"a quantity such as {Example}, or a number" : $"a quantity such as {Example}");
        }

        if (text.Length == 0)
        {
            return walk.Fail(spot, ErrorKinds.CannotBeEmpty, $"cannot be empty; it must be a quantity such as {Example}");
        }

        if (!Quantity.TryParse(text, out var value))
        {
            return walk.Fail(spot, ErrorKinds.ParseQuantity, $"\"{YamlScalar.Shorten(text)}\" is not a quantity; write a number with or without a suffix (m, k, M, G, T, Ki, Mi, Gi, Ti), such as {Example}");
        }

        return text switch
        {
            _ when value < Quantity.Parse(min) => walk.Fail(spot, ErrorKinds.GreaterThanOrEqualTo, $"{text} must be greater than or equal to {min}"),
            _ when Max is not null && value > Quantity.Parse(Max) => walk.Fail(spot, ErrorKinds.LessThanOrEqualTo, $"{text} must be less than or equal to {Max}"),
            _ => text,
        };
    }

    public override ShapeWords ToWords(string variant) => new(TakesNumbers ? "quantity or number" : "quantity", Max is null ? $"`{min}` or more" : $"`{min}` to `{Max}`");

    public override JsonObject ToSchema(string variant)
    {
        var text = new JsonObject
        {
            ["type"] = "string",
            ["pattern"] = "^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([numkKMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$",
        };
        return TakesNumbers
            ? new JsonObject { ["anyOf"] = new JsonArray(text, new JsonObject { ["type"] = "number" }) }
            : text;
    }

    // A whole float keeps its point: 2.0 stays "2.0".
    private static string FloatText(double number)
    {
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        return text.All(character => char.IsAsciiDigit(character) || character == '-') ? text + ".0" : text;
    }
}
