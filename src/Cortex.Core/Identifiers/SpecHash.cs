using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Core.Identifiers;

/// <summary>Tells specifications apart: equal hashes mean that nothing changed.</summary>
public static class SpecHash
{
    /// <summary>The pod id, 63 hexadecimal digits: changes only with the API's name, kind or pod, and with whether its containers get a token.</summary>
    public static string PodId(ApiSpec spec) => Hash(json =>
    {
        json.WriteString("kind", spec.Kind.ToString());
        json.WriteString("name", spec.Name);
        Write(json, "pod", spec.Pod, WireJson.Contract.PodSpec);
        if (spec.ClientAccess == ClientAccess.None)
        {
            // The only level that shows in a container: without it there is a token, whose level the operator looks up.
            json.WriteString("client_access", nameof(ClientAccess.None));
        }
    })[..63];

    /// <summary>The spec id, 32 hexadecimal digits: changes with everything that the YAML says, after defaulting.</summary>
    public static string SpecId(ApiSpec spec) => Hash(json =>
    {
        json.WriteString("pod_id", PodId(spec));
        Write(json, "apis", spec.Apis, WireJson.Contract.IReadOnlyListTrafficSplitterTarget);
        if (spec.Sticky is not null)
        {
            Write(json, "sticky", spec.Sticky, WireJson.Contract.StickySpec);
        }

        if (spec.Canary is not null)
        {
            Write(json, "canary", spec.Canary, WireJson.Contract.CanarySpec);
        }

        Write(json, "networking", spec.Networking, WireJson.Contract.NetworkingSpec);
        Write(json, "autoscaling", spec.Autoscaling, WireJson.Contract.AutoscalingSpec);
        Write(json, "update_strategy", spec.UpdateStrategy, WireJson.Contract.UpdateStrategySpec);
        Write(json, "node_groups", spec.NodeGroups, WireJson.Contract.IReadOnlyListString);
        if (spec.Jobs is not null)
        {
            // Left out for the other kinds, whose ids were made before there was such a key.
            Write(json, "jobs", spec.Jobs, WireJson.Contract.JobsSpec);
        }

        if (spec.Schedule is not null)
        {
            Write(json, "schedule", spec.Schedule, WireJson.Contract.ScheduleSpec);
        }

        if (spec.Queue is not null)
        {
            // Left out for the other kinds, whose ids were made before there was such a key.
            Write(json, "queue", spec.Queue, WireJson.Contract.QueueSpec);
        }

        if (spec.ClientAccess is { } access && access != ClientAccess.Submit)
        {
            // Left out for the default, which ids were made with before there was such a key.
            json.WriteString("client_access", access.ToString());
        }
    })[..32];

    private static string Hash(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
    }

    private static void Write<T>(Utf8JsonWriter json, string name, T? value, JsonTypeInfo<T> type)
        where T : class
    {
        json.WritePropertyName(name);
        if (value is null)
        {
            json.WriteNullValue();
            return;
        }

        WriteSorted(json, JsonSerializer.SerializeToElement(value, type));
    }

    // Keys in ordinal order: the hash must not depend on the order in which a dictionary was filled.
    private static void WriteSorted(Utf8JsonWriter json, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in element.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal))
                {
                    json.WritePropertyName(property.Name);
                    WriteSorted(json, property.Value);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    WriteSorted(json, item);
                }

                json.WriteEndArray();
                break;
            default:
                element.WriteTo(json);
                break;
        }
    }
}
