using System.Globalization;
using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>An integer. Gives a <see cref="long"/>.</summary>
internal sealed class IntShape : Shape
{
    /// <summary>The smallest value.</summary>
    public long? Min { get; init; }

    /// <summary>The value that it must exceed.</summary>
    public long? Above { get; init; }

    /// <summary>The largest value.</summary>
    public long? Max { get; init; }

    /// <summary>Values that are taken.</summary>
    public IReadOnlyList<long> Reserved { get; init; } = [];

    /// <summary>Whether the type has 64 bits; otherwise 32.</summary>
    public bool IsLong { get; init; }

    /// <summary>Whether a string of digits will do.</summary>
    public bool TakesDigits { get; init; }

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (!TryRead(node, out var integer))
        {
            return WrongType(node, spot, walk, "an integer");
        }

        var (least, most) = IsLong ? (long.MinValue, long.MaxValue) : (int.MinValue, int.MaxValue);
        if (integer < least || integer > most)
        {
            return walk.Fail(spot, ErrorKinds.InvalidPrimitiveType, $"{integer} is out of range for an integer of {(IsLong ? 64 : 32)} bits");
        }

        var value = (long)integer;
        return value switch
        {
            _ when value < Min => walk.Fail(spot, ErrorKinds.GreaterThanOrEqualTo, $"{value} must be greater than or equal to {Min}"),
            _ when value <= Above => walk.Fail(spot, ErrorKinds.GreaterThan, $"{value} must be greater than {Above}"),
            _ when value > Max => walk.Fail(spot, ErrorKinds.LessThanOrEqualTo, $"{value} must be less than or equal to {Max}"),
            _ when Reserved.Contains(value) => walk.Fail(spot, ErrorKinds.DisallowedValue, $"{value} is reserved; choose another"),
            _ => value,
        };
    }

    public override ShapeWords ToWords(string variant)
    {
        var range = (Min ?? Above + 1, Max) switch
        {
            ({ } least, { } most) => $"{least} to {most}",
            ({ } least, null) => $"{least} or more",
            (null, { } most) => $"at most {most}",
            _ => "",
        };
        var reserved = Reserved.Count == 0 ? "" : $", not {Words.Join([.. Reserved.Select(value => $"{value}")], "or")}";
        return new(TakesDigits ? "integer, or its digits as text" : "integer", range + reserved);
    }

    public override JsonObject ToSchema(string variant)
    {
        var integer = new JsonObject { ["type"] = "integer" };
        if ((Min ?? Above + 1) is { } least)
        {
            integer["minimum"] = least;
        }

        if (Max is { } most)
        {
            integer["maximum"] = most;
        }

        if (Reserved.Count > 0)
        {
            integer["not"] = new JsonObject { ["enum"] = new JsonArray([.. Reserved.Select(value => (JsonNode)value)]) };
        }

        var digits = new JsonObject { ["type"] = "string", ["pattern"] = "^[0-9]+$" };
        return TakesDigits ? new JsonObject { ["anyOf"] = new JsonArray(integer, digits) } : integer;
    }

    private bool TryRead(YamlNode node, out Int128 integer)
    {
        integer = 0;
        switch (node)
        {
            case YamlScalar { Type: YamlScalarType.Int } scalar:
                integer = scalar.Integer;
                return true;
            case YamlScalar { IsString: true } scalar when TakesDigits:
                return Int128.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out integer);
            default:
                return false;
        }
    }
}
