using System.Buffers;
using System.Text.Json;
using Cortex.Core.Units;
using Cortex.Core.Wire;

namespace Cortex.Core.Clusters;

/// <summary>Writes a configuration as the flat object of <c>/info</c>: the contract's fields first, then ours.</summary>
internal static class ClusterInfoWriter
{
    /// <summary>The configuration and whose it is.</summary>
    public static JsonElement Write(ClusterConfig config, string apiVersion, string operatorId, string clusterId, bool isOperatorInCluster) =>
        Write(config, apiVersion, operatorId, clusterId, isOperatorInCluster, json =>
        {
            WriteNodeGroups(json, config.NodeGroups);
            WriteUnused(json, config.Unused);
            WriteManaged(json, clusterId, operatorId);
            ClusterTables.Parts.Write(json, config);
        });

    /// <summary>Only whose it is.</summary>
    public static JsonElement WriteIdentity(ClusterConfig config, string apiVersion, string operatorId, string clusterId, bool isOperatorInCluster) =>
        Write(config, apiVersion, operatorId, clusterId, isOperatorInCluster, static _ => { });

    private static JsonElement Write(ClusterConfig config, string apiVersion, string operatorId, string clusterId, bool isOperatorInCluster, Action<Utf8JsonWriter> writeRest)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = GoJsonEncoder.Instance }))
        {
            json.WriteStartObject();
            json.WriteString("cluster_name", config.ClusterName);
            json.WriteString("region", config.Region);
            writeRest(json);
            json.WriteString("api_version", apiVersion);
            json.WriteString("operator_id", operatorId);
            json.WriteString("cluster_id", clusterId);
            json.WriteBoolean("is_operator_in_cluster", isOperatorInCluster);
            json.WriteEndObject();
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }

    private static void WriteNodeGroups(Utf8JsonWriter json, IReadOnlyList<NodeGroup> groups)
    {
        json.WriteStartArray("node_groups");
        foreach (var group in groups)
        {
            json.WriteStartObject();
            json.WriteString("name", group.Name);
            json.WriteString("instance_type", group.InstanceType);
            if (group.Resources is { } share)
            {
                WriteResources(json, share);
            }

            json.WriteNumber("min_instances", group.MinInstances);
            json.WriteNumber("max_instances", group.MaxInstances);
            json.WriteNumber("priority", group.Priority);
            WriteUnused(json, group.Unused);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // Quantities, so that what is printed can be read again.
    private static void WriteResources(Utf8JsonWriter json, NodeGroupResources share)
    {
        json.WriteStartObject("resources");
        if (share.CpuMillis is { } cpu)
        {
            json.WriteString("cpu", Quantity.FormatMillis(cpu));
        }

        if (share.MemoryBytes is { } memory)
        {
            json.WriteString("mem", Quantity.FormatBytes(memory));
        }

        if (share.Gpus is { } gpus)
        {
            json.WriteNumber("gpu", gpus);
        }

        json.WriteEndObject();
    }

    private static void WriteUnused(Utf8JsonWriter json, IReadOnlyDictionary<string, JsonElement> unused)
    {
        foreach (var (key, value) in unused)
        {
            json.WritePropertyName(key);
            value.WriteTo(json);
        }
    }

    // There is no AWS account and no bucket here; clients only expect the keys.
    private static void WriteManaged(Utf8JsonWriter json, string clusterId, string operatorId)
    {
        json.WriteString("cortex_policy_arn", "");
        json.WriteString("account_id", operatorId);
        json.WriteString("cluster_uid", clusterId);
        json.WriteString("bucket", "");
    }
}
