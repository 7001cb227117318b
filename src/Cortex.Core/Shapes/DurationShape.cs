using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Units;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A duration in Go's notation. Gives a <see cref="TimeSpan"/>.</summary>
internal sealed class DurationShape : Shape
{
    /// <summary>The shortest.</summary>
    public TimeSpan Min { get; init; }

    /// <summary>The longest; null for none of its own.</summary>
    public TimeSpan? Max { get; init; }

    /// <summary>What it must be a multiple of; null for anything.</summary>
    public TimeSpan? Step { get; init; }

    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (node is not YamlScalar { IsString: true } scalar)
        {
            return WrongType(node, spot, walk, "a duration with a unit, such as 30s or 1m30s");
        }

        if (scalar.Text.Length == 0)
        {
            return walk.Fail(spot, ErrorKinds.CannotBeEmpty, "cannot be empty; it must be a duration such as 30s or 1m30s");
        }

        if (!GoDuration.TryParse(scalar.Text, out var value))
        {
            return walk.Fail(spot, ErrorKinds.Other, $"\"{YamlScalar.Shorten(scalar.Text)}\" is not a duration; write a number with a unit (ns, us, ms, s, m or h), such as 30s or 1m30s");
        }

        return value switch
        {
            _ when value < Min => walk.Fail(spot, ErrorKinds.GreaterThanOrEqualTo, $"{scalar.Text} must be greater than or equal to {GoDuration.Format(Min)}"),
            _ when value > Max => walk.Fail(spot, ErrorKinds.LessThanOrEqualTo, $"{scalar.Text} must be less than or equal to {GoDuration.Format(Max.Value)}"),
            _ when Step is { } step && value.Ticks % step.Ticks != 0 => walk.Fail(spot, ErrorKinds.IsNotMultiple, $"{scalar.Text} must be a multiple of {GoDuration.Format(step)}"),
            _ => value,
        };
    }

    public override ShapeWords ToWords(string variant)
    {
        var range = Max is { } most ? $"`{Short(Min)}` to `{Short(most)}`" : $"`{Short(Min)}` or more";
        return new("duration", Step is { } step ? $"{range}, a multiple of `{Short(step)}`" : range);
    }

    public override JsonObject ToSchema(string variant) => new()
    {
        ["type"] = "string",
        ["pattern"] = "^[+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|ms|s|m|h))+)$",
    };

    // Without the parts that are zero: 1h for 1h0m0s.
    private static string Short(TimeSpan time)
    {
        var text = GoDuration.Format(time);
        text = text.EndsWith("m0s", StringComparison.Ordinal) ? text[..^2] : text;
        return text.EndsWith("h0m", StringComparison.Ordinal) ? text[..^2] : text;
    }
}
