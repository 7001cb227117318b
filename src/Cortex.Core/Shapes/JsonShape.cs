using System.Text.Json;
using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>Anything that JSON can say. Gives a <see cref="JsonElement"/>.</summary>
internal sealed class JsonShape : Shape
{
    /// <summary>Whether it must be a map.</summary>
    public bool IsMap { get; init; }

    /// <summary>Most levels of maps and lists in each other; null for no limit of its own.</summary>
    public int? MaxLevels { get; init; }

    public override object? Read(YamlNode node, Spot spot, Walk walk) => node switch
    {
        not YamlMap when IsMap => WrongType(node, spot, walk, "a map"),
        _ when node.Height > MaxLevels => walk.Fail(spot, ErrorKinds.TooManyElements, $"has {node.Height} levels of maps and lists in each other; at most {MaxLevels} are allowed"),
        _ => YamlJson.ToJson(node),
    };

    public override ShapeWords ToWords(string variant) => new(IsMap ? "map" : "anything", MaxLevels is { } most ? $"at most {most} levels" : "");

    public override JsonObject ToSchema(string variant) => IsMap ? new() { ["type"] = "object" } : [];
}
