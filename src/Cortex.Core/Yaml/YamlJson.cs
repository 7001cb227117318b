using System.Buffers;
using System.Text.Json;
using Cortex.Core.Wire;

namespace Cortex.Core.Yaml;

/// <summary>Writes nodes as JSON, for what is echoed as it was submitted.</summary>
internal static class YamlJson
{
    /// <summary>The node as JSON. Numbers that JSON cannot hold become strings.</summary>
    public static JsonElement ToJson(YamlNode node)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = GoJsonEncoder.Instance, MaxDepth = YamlLimits.Depth + 1 }))
        {
            Write(json, node);
        }

        // ParseValue makes an element that owns its memory, unlike a JsonDocument that must be disposed of.
        var reader = new Utf8JsonReader(buffer.WrittenSpan, new JsonReaderOptions { MaxDepth = YamlLimits.Depth + 1 });
        return JsonElement.ParseValue(ref reader);
    }

    private static void Write(Utf8JsonWriter json, YamlNode node)
    {
        switch (node)
        {
            case YamlMap map:
                json.WriteStartObject();
                foreach (var entry in map.Entries)
                {
                    json.WritePropertyName((entry.Key as YamlScalar)?.Text ?? entry.Key.Describe());
                    Write(json, entry.Value);
                }

                json.WriteEndObject();
                break;
            case YamlList list:
                json.WriteStartArray();
                foreach (var item in list.Items)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            case YamlScalar scalar:
                WriteScalar(json, scalar);
                break;
        }
    }

    private static void WriteScalar(Utf8JsonWriter json, YamlScalar scalar)
    {
        switch (scalar.Type)
        {
            case YamlScalarType.Null:
                json.WriteNullValue();
                break;
            case YamlScalarType.Bool:
                json.WriteBooleanValue(scalar.Truth);
                break;
            case YamlScalarType.Int when scalar.Integer < 0:
                json.WriteNumberValue((long)scalar.Integer);
                break;
            case YamlScalarType.Int:
                json.WriteNumberValue((ulong)scalar.Integer);
                break;
            case YamlScalarType.Float when double.IsFinite(scalar.Number):
                json.WriteNumberValue(scalar.Number);
                break;
            default:
                json.WriteStringValue(scalar.Text);
                break;
        }
    }
}
