using System.Globalization;
using System.Text.Json;

namespace Cortex.Client.Calling;

/// <summary>Reads what an answer may have or not, and may have in another type once it is a newer cluster's.</summary>
internal static class JsonReading
{
    extension(JsonElement value)
    {
        /// <summary>A member; undefined when there is none.</summary>
        public JsonElement Member(string key) => value.ValueKind == JsonValueKind.Object && value.TryGetProperty(key, out var member) ? member : default;

        /// <summary>A text; empty when there is none.</summary>
        public string Text(string key) => value.Member(key) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

        /// <summary>A whole number; null when there is none.</summary>
        public long? Number(string key) => value.Member(key) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var whole) ? whole : null;

        /// <summary>A moment; null when there is none.</summary>
        public DateTimeOffset? Time(string key) =>
            DateTimeOffset.TryParse(value.Text(key), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

        /// <summary>The elements of a list; none when there is no list.</summary>
        public IEnumerable<JsonElement> Items(string key) => value.Member(key) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];
    }
}
