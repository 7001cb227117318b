using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Cortex.Routing;

/// <summary>Writes a list of routes as an array.</summary>
internal sealed class RouteListConverter<T> : JsonConverter<RouteList<T>>
{
    /// <inheritdoc/>
    public override RouteList<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var items = JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<T[]>)options.GetTypeInfo(typeof(T[]))) ?? [];
        return Array.Exists(items, static item => item is null) ? throw new JsonException("an item is null") : RouteList.Create<T>(items);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, RouteList<T> value, JsonSerializerOptions options)
    {
        var type = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
        writer.WriteStartArray();
        foreach (var item in value)
        {
            JsonSerializer.Serialize(writer, item, type);
        }

        writer.WriteEndArray();
    }
}
