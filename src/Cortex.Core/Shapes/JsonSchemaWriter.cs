using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>Writes shapes as JSON Schema (draft 2020-12).</summary>
internal static class JsonSchemaWriter
{
    /// <summary>The schema of a whole file as text, ending with a newline.</summary>
    /// <param name="title">What the file is.</param>
    /// <param name="root">The schema of its root.</param>
    /// <param name="definitions">What the root refers to.</param>
    public static string Write(string title, JsonObject root, JsonObject? definitions = null)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            json.WriteString("title", title);
            WriteMembers(json, root);
            if (definitions is not null)
            {
                json.WriteStartObject("$defs");
                WriteMembers(json, definitions);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    /// <summary>A field's schema with its meaning, default and nullability.</summary>
    public static JsonObject Describe(Field field, string variant)
    {
        var shape = field.Shape.ToSchema(variant);
        if (field.Null is NullRule.Allowed or NullRule.Absent && !field.Required && field.Shape is not UnusedShape)
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

    private static void WriteMembers(Utf8JsonWriter json, JsonObject members)
    {
        foreach (var (name, value) in members)
        {
            json.WritePropertyName(name);
            if (value is null)
            {
                json.WriteNullValue();
            }
            else
            {
                value.WriteTo(json);
            }
        }
    }

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
