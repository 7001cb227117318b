using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Cortex.Cli.Output;

/// <summary>Writes JSON values as YAML that reads back as the same values.</summary>
internal static class YamlText
{
    /// <summary>A whole document, ending with a newline.</summary>
    public static string Document(JsonElement value) => Document(value, _ => false);

    /// <summary>The same for people: without what is null, and short maps of plain values on one line.</summary>
    public static string Brief(JsonElement value)
    {
        const int LongestLine = 70;
        return Document(WithoutNulls(value), map => map.EnumerateObject().All(property => property.Value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)) && map.GetRawText().Length <= LongestLine);
    }

    private static string Document(JsonElement value, Func<JsonElement, bool> isOnOneLine)
    {
        var text = new StringBuilder();
        using (var writer = new StringWriter(text, CultureInfo.InvariantCulture) { NewLine = "\n" })
        {
            var emitter = new Emitter(writer, new EmitterSettings(bestIndent: 2, bestWidth: int.MaxValue, isCanonical: false, maxSimpleKeyLength: 1024));
            emitter.Emit(new StreamStart());
            emitter.Emit(new DocumentStart(null, null, isImplicit: true));
            Emit(emitter, value, isOnOneLine);
            emitter.Emit(new DocumentEnd(isImplicit: true));
            emitter.Emit(new StreamEnd());
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>One string on one line, quoted where it would otherwise be read as something else.</summary>
    public static string Scalar(string value)
    {
        if (value.Contains('\n', StringComparison.Ordinal))
        {
            // A JSON string is a YAML string on one line.
            return JsonSerializer.Serialize(value, CliJson.Compact.String);
        }

        const string Key = "key";
        var pair = JsonSerializer.SerializeToElement(new SortedDictionary<string, string> { [Key] = value }, CliJson.Compact.SortedDictionaryStringString);
        return Document(pair)[(Key.Length + 2)..].TrimEnd('\n');
    }

    private static void Emit(Emitter emitter, JsonElement value, Func<JsonElement, bool> isOnOneLine)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var flows = !value.EnumerateObject().MoveNext() || isOnOneLine(value);
                emitter.Emit(new MappingStart(AnchorName.Empty, TagName.Empty, isImplicit: true, flows ? MappingStyle.Flow : MappingStyle.Block));
                foreach (var property in value.EnumerateObject())
                {
                    EmitString(emitter, property.Name);
                    Emit(emitter, property.Value, isOnOneLine);
                }

                emitter.Emit(new MappingEnd());
                break;
            case JsonValueKind.Array:
                emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, value.GetArrayLength() == 0 ? SequenceStyle.Flow : SequenceStyle.Block));
                foreach (var item in value.EnumerateArray())
                {
                    Emit(emitter, item, isOnOneLine);
                }

                emitter.Emit(new SequenceEnd());
                break;
            case JsonValueKind.String:
                EmitString(emitter, value.GetString()!);
                break;
            default:
                emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, value.GetRawText(), ScalarStyle.Plain, isPlainImplicit: true, isQuotedImplicit: false));
                break;
        }
    }

    private static JsonElement WithoutNulls(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            Copy(value, json);
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }

    private static void Copy(JsonElement value, Utf8JsonWriter json)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in value.EnumerateObject().Where(property => property.Value.ValueKind != JsonValueKind.Null))
                {
                    json.WritePropertyName(property.Name);
                    Copy(property.Value, json);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Copy(item, json);
                }

                json.WriteEndArray();
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    private static void EmitString(Emitter emitter, string value)
    {
        var style = ReadsAsSomethingElse(value) || value.Any(NeedsEscape) ? ScalarStyle.DoubleQuoted
            : !value.Contains('\n', StringComparison.Ordinal) ? ScalarStyle.Any
            : IsReadableBlock(value) ? ScalarStyle.Literal
            : ScalarStyle.DoubleQuoted;
        emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, value, style, isPlainImplicit: true, isQuotedImplicit: true));
    }

    private static bool NeedsEscape(char c) => (char.IsControl(c) && c != '\n') || c is '\u2028' or '\u2029' or '\ufeff';

    // A block that starts with a blank or ends with empty lines needs marks that few people can read.
    private static bool IsReadableBlock(string value) => !char.IsWhiteSpace(value[0]) && !value.EndsWith("\n\n", StringComparison.Ordinal);

    // What YAML 1.1 and 1.2 readers take for null, a boolean, a number or a date.
    private static bool ReadsAsSomethingElse(string value)
    {
        if (value.Length == 0 || value.ToLowerInvariant() is "null" or "~" or "true" or "false" or "yes" or "no" or "on" or "off" or "y" or "n" or "=" or "<<" or ".inf" or "-.inf" or "+.inf" or ".nan")
        {
            return true;
        }

        var start = value[0] is '+' or '-' or '.' ? 1 : 0;
        return start < value.Length && char.IsAsciiDigit(value[start]) && value.All(c => char.IsAsciiHexDigit(c) || c is 'x' or 'o' or 't' or 'T' or 'Z' or '.' or '_' or '+' or '-' or ':' or ' ');
    }
}
