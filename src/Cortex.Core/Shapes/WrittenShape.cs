using System.Text.Json;
using System.Text.Json.Nodes;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>A value that is checked by its shape and then kept as it was written, without defaults. Gives a <see cref="JsonElement"/>.</summary>
/// <param name="shape">What it may be.</param>
internal sealed class WrittenShape(Shape shape) : Shape
{
    /// <summary>What it may be.</summary>
    public Shape Inner => shape;

    public override string NullKind => shape.NullKind;

    public override object? Read(YamlNode node, Spot spot, Walk walk) => shape.Read(node, spot, walk) == Walk.Invalid ? Walk.Invalid : YamlJson.ToJson(node);

    public override ShapeWords ToWords(string variant) => shape.ToWords(variant);

    public override JsonObject ToSchema(string variant) => shape.ToSchema(variant);
}
