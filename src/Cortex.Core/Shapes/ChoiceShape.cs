using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>One of several strings. Gives a <see cref="string"/>.</summary>
internal sealed class ChoiceShape(params IReadOnlyList<string> choices) : Shape
{
    public override object? Read(YamlNode node, Spot spot, Walk walk)
    {
        if (StringShape.ReadText(node, spot, walk) is not { } text)
        {
            return Walk.Invalid;
        }

        if (text.Length == 0)
        {
            return walk.Fail(spot, ErrorKinds.CannotBeEmpty, $"cannot be empty; it must be {Words.Join(choices, "or")}");
        }

        if (choices.Contains(text))
        {
            return text;
        }

        var hint = Words.Closest(text, choices) is { } closest ? $"; did you mean `{closest}`?" : "";
        return walk.Fail(spot, ErrorKinds.InvalidStr, $"\"{YamlScalar.Shorten(text)}\" must be {Words.Join(choices, "or")}{hint}");
    }

    public override ShapeWords ToWords(string variant) => new("text", Words.Join([.. choices.Select(choice => $"`{choice}`")], "or"));

    public override JsonObject ToSchema(string variant) => new()
    {
        ["type"] = "string",
        ["enum"] = new JsonArray([.. choices.Select(choice => (JsonNode)choice)]),
    };
}
