using System.Buffers;
using System.Text.Json;
using Cortex.Core.Units;

namespace Cortex.Core.Clusters;

/// <summary>Writes a configuration as the flat object of <c>/info</c>: the contract's fields first, then ours.</summary>
internal static class ClusterInfoWriter
{
    public static JsonElement Write(ClusterConfig config, string apiVersion, string operatorId, string clusterId, bool isOperatorInCluster)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("cluster_name", config.ClusterName);
            json.WriteString("region", config.Region);
            WriteNodeGroups(json, config.NodeGroups);
            WriteUnused(json, config.Unused);
            WriteManaged(json, clusterId, operatorId);
            WriteOurs(json, config);
            WriteJobs(json, config.Jobs);
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
            json.WriteNumber("min_instances", group.MinInstances);
            json.WriteNumber("max_instances", group.MaxInstances);
            json.WriteNumber("priority", group.Priority);
            WriteUnused(json, group.Unused);
            json.WriteEndObject();
        }

        json.WriteEndArray();
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

    private static void WriteOurs(Utf8JsonWriter json, ClusterConfig config)
    {
        WriteListener(json, "operator", config.Operator);
        WriteListener(json, "apis", config.Apis);

        var docker = config.Docker;
        json.WriteStartObject("docker");
        json.WriteString("host", docker.Host);
        json.WriteString("address", Enum.GetName(docker.Address)!.ToLowerInvariant());
        json.WriteNumber("cpu_overcommit", docker.CpuOvercommit);
        json.WriteString("memory_reserve", Quantity.FormatBytes(docker.MemoryReserve));
        json.WriteNumber("parallel_starts", docker.ParallelStarts);
        WriteDuration(json, "pull_timeout", docker.PullTimeout);
        json.WriteEndObject();

        var limits = config.Limits;
        json.WriteStartObject("limits");
        WriteDuration(json, "stalled_after", limits.StalledAfter);
        WriteDuration(json, "termination_grace", limits.TerminationGrace);
        json.WriteNumber("api_versions", limits.ApiVersions);
        json.WriteString("server_log_size", Quantity.FormatBytes(limits.ServerLogSize));
        json.WriteEndObject();

        var gateway = config.Gateway;
        json.WriteStartObject("gateway");
        json.WriteString("max_request_body", Quantity.FormatBytes(gateway.MaxRequestBody));
        json.WriteString("max_header_size", Quantity.FormatBytes(gateway.MaxHeaderSize));
        json.WriteNumber("max_headers", gateway.MaxHeaders);
        WriteDuration(json, "header_timeout", gateway.HeaderTimeout);
        WriteDuration(json, "keep_alive_timeout", gateway.KeepAliveTimeout);
        WriteDuration(json, "connect_timeout", gateway.ConnectTimeout);
        WriteDuration(json, "queue_timeout", gateway.QueueTimeout);
        WriteDuration(json, "idle_timeout", gateway.IdleTimeout);
        json.WriteNumber("max_connections", gateway.MaxConnections);
        json.WriteEndObject();
    }

    private static void WriteJobs(Utf8JsonWriter json, JobSettings jobs)
    {
        json.WriteStartObject("jobs");
        json.WriteNumber("history", jobs.History);
        WriteDuration(json, "history_age", jobs.HistoryAge);
        json.WriteString("log_size", Quantity.FormatBytes(jobs.LogSize));
        json.WriteNumber("max_concurrent", jobs.MaxConcurrent);
        json.WriteNumber("max_unfinished", jobs.MaxUnfinished);
        json.WriteNumber("parallel_starts", jobs.ParallelStarts);
        WriteDuration(json, "image_timeout", jobs.ImageTimeout);
        WriteDuration(json, "termination_grace", jobs.TerminationGrace);
        json.WriteString("max_submission_size", Quantity.FormatBytes(jobs.MaxSubmissionSize));
        json.WriteEndObject();
    }

    private static void WriteListener(Utf8JsonWriter json, string name, ListenAddress address)
    {
        json.WriteStartObject(name);
        json.WriteString("host", address.Host);
        json.WriteNumber("port", address.Port);
        json.WriteEndObject();
    }

    private static void WriteDuration(Utf8JsonWriter json, string name, TimeSpan value) => json.WriteString(name, GoDuration.Format(value));
}
