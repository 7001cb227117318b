using System.Text.Json.Nodes;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A key that is only there to be refused with a reason of its own. Never gives a value.</summary>
internal sealed class UnusedShape(string kind, string detail) : Shape
{
    public override object? Read(YamlNode node, Spot spot, Walk walk) => walk.Fail(spot, kind, detail);

    public override ShapeWords ToWords(string variant) => new("");

    public override JsonObject ToSchema(string variant) => new() { ["type"] = "null" };
}
