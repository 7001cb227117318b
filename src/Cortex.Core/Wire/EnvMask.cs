using System.Buffers;
using System.Text.Json;

namespace Cortex.Core.Wire;

/// <summary>Takes the values of environment variables out of a specification: most secrets are among them. Names and every key stay.</summary>
public static class EnvMask
{
    /// <summary>Stands for each value. No variable may have it, so that what was shown without its values is not deployed by mistake.</summary>
    public const string Hidden = "(hidden)";

    private const string Any = "*";
    private const int MaxDepth = 1000;
    private static readonly string[] s_values = ["pod", "containers", Any, "env", Any];

    /// <summary>The specification without the values.</summary>
    public static DeployedSpec Hide(DeployedSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.Pod is null ? spec : spec with
        {
            Pod = spec.Pod with
            {
                Containers = [.. spec.Pod.Containers.Select(container => container with
                {
                    Env = container.Env.ToDictionary(variable => variable.Key, _ => Hidden, StringComparer.Ordinal),
                })],
            },
            SubmittedApiSpec = Hide(spec.SubmittedApiSpec),
        };
    }

    private static JsonElement Hide(JsonElement submitted)
    {
        if (submitted.ValueKind == JsonValueKind.Undefined)
        {
            return submitted;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = GoJsonEncoder.Instance, MaxDepth = MaxDepth }))
        {
            Write(json, submitted, s_values);
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan, new JsonReaderOptions { MaxDepth = MaxDepth });
        return JsonElement.ParseValue(ref reader);
    }

    // Copies an element, and hides what stands below it at a path.
    private static void Write(Utf8JsonWriter json, JsonElement element, ReadOnlySpan<string> path)
    {
        if (path.IsEmpty)
        {
            json.WriteStringValue(Hidden);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            json.WriteStartObject();
            foreach (var member in element.EnumerateObject())
            {
                json.WritePropertyName(member.Name);
                if (path[0] == Any || member.NameEquals(path[0]))
                {
                    Write(json, member.Value, path[1..]);
                }
                else
                {
                    member.Value.WriteTo(json);
                }
            }

            json.WriteEndObject();
        }
        else if (element.ValueKind == JsonValueKind.Array && path[0] == Any)
        {
            json.WriteStartArray();
            foreach (var item in element.EnumerateArray())
            {
                Write(json, item, path[1..]);
            }

            json.WriteEndArray();
        }
        else
        {
            element.WriteTo(json);
        }
    }
}
