using System.Globalization;
using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A finite number. Gives a <see cref="double"/>.</summary>
internal sealed class FloatShape : Shape
{
    /// <summary>The smallest value.</summary>
    public double? Min { get; init; }

    /// <summary>The value that it must exceed.</summary>
    public double? Above { get; init; }

    /// <summary>The largest value.</summary>
    public double? Max { get; init; }

    /// <summary>The value that it must stay below.</summary>
    public double? Below { get; init; }

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        double value;
        switch (node)
        {
            case YamlScalar { Type: YamlScalarType.Int } scalar:
                value = (double)scalar.Integer;
                break;
            case YamlScalar { Type: YamlScalarType.Float } scalar when double.IsFinite(scalar.Number):
                value = scalar.Number;
                break;
            default:
                return WrongType(node, spot, walk, "a finite number");
        }

        return value switch
        {
            _ when value < Min => walk.Fail(spot, ErrorKinds.GreaterThanOrEqualTo, $"{Text(value)} must be greater than or equal to {Text(Min)}"),
            _ when value <= Above => walk.Fail(spot, ErrorKinds.GreaterThan, $"{Text(value)} must be greater than {Text(Above)}"),
            _ when value > Max => walk.Fail(spot, ErrorKinds.LessThanOrEqualTo, $"{Text(value)} must be less than or equal to {Text(Max)}"),
            _ when value >= Below => walk.Fail(spot, ErrorKinds.LessThan, $"{Text(value)} must be less than {Text(Below)}"),
            _ => value,
        };
    }

    public override ShapeWords ToWords(string variant)
    {
        var least = Min is not null ? $"{Text(Min)} or more" : Above is not null ? $"above {Text(Above)}" : "";
        var most = Max is not null ? $"at most {Text(Max)}" : Below is not null ? $"below {Text(Below)}" : "";
        return new("number", string.Join(", ", new[] { least, most }.Where(bound => bound.Length > 0)));
    }

    public override JsonObject ToSchema(string variant)
    {
        var schema = new JsonObject { ["type"] = "number" };
        AddBound(schema, "minimum", Min);
        AddBound(schema, "exclusiveMinimum", Above);
        AddBound(schema, "maximum", Max);
        AddBound(schema, "exclusiveMaximum", Below);
        return schema;
    }

    private static void AddBound(JsonObject schema, string keyword, double? bound)
    {
        if (bound is { } value)
        {
            schema[keyword] = value;
        }
    }

    private static string Text(double? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";
}
