using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>Writes shapes as JSON Schema (draft 2020-12).</summary>
internal static class JsonSchemaWriter
{
    /// <summary>A field's schema with its meaning, default and nullability.</summary>
    public static JsonObject Describe(Field field, string variant)
    {
        var shape = field.Shape.ToSchema(variant);
        if (field.Null is NullRule.Allowed or NullRule.Absent && (string?)shape["type"] != "null")
        {
            shape = Nullable(shape);
        }

        var schema = new JsonObject { ["description"] = field.Doc };
        foreach (var (keyword, value) in shape.ToList())
        {
            shape.Remove(keyword);
            schema[keyword] = value;
        }

        if (field.DefaultNode is { } node)
        {
            schema["default"] = JsonNode.Parse(YamlJson.ToJson(node).GetRawText());
        }
        else if (!field.Required && field.Null is NullRule.Allowed)
        {
            schema["default"] = null;
        }

        return schema;
    }

    /// <summary>A pattern in the dialect of JSON Schema.</summary>
    public static string ToEcma(Regex pattern) => pattern.ToString().Replace(@"\z", "$", StringComparison.Ordinal);

    private static JsonObject Nullable(JsonObject schema)
    {
        if (schema["type"] is JsonValue type)
        {
            schema["type"] = new JsonArray((string)type!, "null");
            return schema;
        }

        var choices = schema["anyOf"]!.AsArray();
        choices.Add((JsonNode)new JsonObject { ["type"] = "null" });
        return schema;
    }
}
