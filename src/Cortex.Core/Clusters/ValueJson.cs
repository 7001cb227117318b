using System.Buffers;
using System.Text.Json;
using Cortex.Core.Wire;
using Cortex.Core.Shapes;

namespace Cortex.Core.Clusters;

/// <summary>Writes values that a shape has read as JSON, defaults included.</summary>
internal static class ValueJson
{
    /// <summary>The value as JSON.</summary>
    public static JsonElement ToJson(object? value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = GoJsonEncoder.Instance }))
        {
            Write(json, value);
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case long integer:
                json.WriteNumberValue(integer);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case MapValue map:
                WriteMap(json, map.Values);
                break;
            case SortedDictionary<string, string> texts:
                WriteMap(json, texts.Select(text => KeyValuePair.Create(text.Key, (object?)text.Value)));
                break;
            case ListValue list:
                json.WriteStartArray();
                foreach (var item in list.Items)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            default:
                throw new ArgumentException($"a {value.GetType().Name} has no form in JSON here", nameof(value));
        }
    }

    private static void WriteMap(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> values)
    {
        json.WriteStartObject();
        foreach (var (key, value) in values)
        {
            json.WritePropertyName(key);
            Write(json, value);
        }

        json.WriteEndObject();
    }
}
