using System.Text.Json.Nodes;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A boolean. Gives a <see cref="bool"/>.</summary>
internal sealed class BoolShape : Shape
{
    public override object? Read(YamlNode node, Spot spot, Walk walk) => node is YamlScalar { Type: YamlScalarType.Bool } scalar
        ? scalar.Truth
        : WrongType(node, spot, walk, "true or false, without quotes");

    public override ShapeWords ToWords(string variant) => new("boolean");

    public override JsonObject ToSchema(string variant) => new() { ["type"] = "boolean" };
}
