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
            WriteOurs(json, config);
            WriteJobs(json, config.Jobs);
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

    private static void WriteOurs(Utf8JsonWriter json, ClusterConfig config)
    {
        WriteListener(json, "operator", config.Operator);
        WriteListener(json, "apis", config.Apis);

        json.WriteStartObject("access");
        WriteTexts(json, "trusted_proxies", config.Access.TrustedProxies);
        WriteTexts(json, "allowed_hosts", config.Access.AllowedHosts);
        json.WriteBoolean("open_metrics", config.Access.OpenMetrics);
        json.WriteEndObject();

        var docker = config.Docker;
        json.WriteStartObject("docker");
        json.WriteString("host", docker.Host);
        json.WriteString("address", Enum.GetName(docker.Address)!.ToLowerInvariant());
        json.WriteNumber("cpu_overcommit", docker.CpuOvercommit);
        json.WriteString("memory_reserve", Quantity.FormatBytes(docker.MemoryReserve));
        if (docker.MemoryLimitFactor is { } factor)
        {
            json.WriteNumber("memory_limit_factor", factor);
        }

        json.WriteNumber("pids_limit", docker.PidsLimit);
        json.WriteStartArray("capabilities");
        foreach (var capability in docker.Capabilities)
        {
            json.WriteStringValue(capability);
        }

        json.WriteEndArray();
        json.WriteBoolean("new_privileges", docker.NewPrivileges);
        json.WriteBoolean("init", docker.Init);
        json.WriteBoolean("reach_containers", docker.ReachContainers);
        json.WriteBoolean("reach_metadata", docker.ReachMetadata);
        json.WriteNumber("parallel_starts", docker.ParallelStarts);
        json.WriteNumber("spare_networks", docker.SpareNetworks);
        WriteDuration(json, "pull_timeout", docker.PullTimeout);
        json.WriteEndObject();

        var limits = config.Limits;
        json.WriteStartObject("limits");
        WriteDuration(json, "stalled_after", limits.StalledAfter);
        WriteDuration(json, "termination_grace", limits.TerminationGrace);
        json.WriteNumber("api_versions", limits.ApiVersions);
        json.WriteNumber("max_apis", limits.MaxApis);
        json.WriteNumber("max_replicas", limits.MaxReplicas);
        json.WriteNumber("log_streams", limits.LogStreams);
        WriteDuration(json, "log_stall", limits.LogStall);
        json.WriteString("server_log_size", Quantity.FormatBytes(limits.ServerLogSize));
        json.WriteNumber("max_connections", limits.MaxConnections);
        json.WriteNumber("max_connections_per_address", limits.MaxConnectionsPerAddress);
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
        WriteDuration(json, "wake_timeout", gateway.WakeTimeout);
        json.WriteString("wake_buffer", Quantity.FormatBytes(gateway.WakeBuffer));
        WriteDuration(json, "idle_timeout", gateway.IdleTimeout);
        WriteDuration(json, "client_idle_timeout", gateway.ClientIdleTimeout);
        WriteDuration(json, "stream_idle_timeout", gateway.StreamIdleTimeout);
        json.WriteString("shadow_max_body", Quantity.FormatBytes(gateway.ShadowMaxBody));
        json.WriteString("shadow_memory", Quantity.FormatBytes(gateway.ShadowMemory));
        WriteDuration(json, "shadow_timeout", gateway.ShadowTimeout);
        json.WriteNumber("max_connections", gateway.MaxConnections);
        json.WriteNumber("max_connections_per_address", gateway.MaxConnectionsPerAddress);
        json.WriteEndObject();

        WriteStorage(json, config.Storage);
        WriteQueue(json, config.Queue);
        json.WriteStartObject("async");
        WriteDuration(json, "max_wait", config.Async.MaxWait);
        WriteDuration(json, "upload_idle_timeout", config.Async.UploadIdleTimeout);
        json.WriteEndObject();
        WriteCallbacks(json, config.Callbacks);
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
        WriteDuration(json, "helper_grace", jobs.HelperGrace);
        json.WriteString("max_submission_size", Quantity.FormatBytes(jobs.MaxSubmissionSize));
        json.WriteString("max_streamed_size", Quantity.FormatBytes(jobs.MaxStreamedSize));
        WriteDuration(json, "upload_idle_timeout", jobs.UploadIdleTimeout);
        json.WriteNumber("max_items", jobs.MaxItems);
        json.WriteString("max_source_size", Quantity.FormatBytes(jobs.MaxSourceSize));
        json.WriteString("max_item_size", Quantity.FormatBytes(jobs.MaxItemSize));
        json.WriteString("max_batch_size", Quantity.FormatBytes(jobs.MaxBatchSize));
        json.WriteNumber("max_workers", jobs.MaxWorkers);
        json.WriteNumber("max_worker_deaths", jobs.MaxWorkerDeaths);
        WriteDuration(json, "room_timeout", jobs.RoomTimeout);
        WriteSources(json, jobs.Sources);
        json.WriteEndObject();
    }

    private static void WriteSources(Utf8JsonWriter json, JobSourceSettings sources)
    {
        json.WriteStartObject("sources");
        json.WriteStartObject("s3");
        json.WriteString("endpoint", sources.S3.Endpoint);
        json.WriteString("region", sources.S3.Region);
        json.WriteString("access_key", Hidden(sources.S3.AccessKey));
        json.WriteString("secret_key", Hidden(sources.S3.SecretKey));
        json.WriteBoolean("environment", sources.S3.Environment);
        WriteTexts(json, "buckets", sources.S3.Buckets);
        json.WriteBoolean("path_style", sources.S3.PathStyle);
        json.WriteEndObject();
        WriteTexts(json, "file_folders", sources.FileFolders);
        WriteTexts(json, "http_hosts", sources.HttpHosts);
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static void WriteStorage(Utf8JsonWriter json, StorageSettings storage)
    {
        json.WriteStartObject("storage");
        json.WriteString("queues", Enum.GetName(storage.Queues)!.ToLowerInvariant());
        json.WriteStartObject("postgres");
        json.WriteString("connection_string", Hidden(storage.PostgresConnectionString));
        json.WriteEndObject();
        json.WriteString("blobs", Enum.GetName(storage.Blobs)!.ToLowerInvariant());
        json.WriteStartObject("s3");
        json.WriteString("endpoint", storage.S3.Endpoint);
        json.WriteString("region", storage.S3.Region);
        json.WriteString("bucket", storage.S3.Bucket);
        json.WriteString("prefix", storage.S3.Prefix);
        json.WriteString("access_key", Hidden(storage.S3.AccessKey));
        json.WriteString("secret_key", Hidden(storage.S3.SecretKey));
        json.WriteBoolean("path_style", storage.S3.PathStyle);
        json.WriteEndObject();
        json.WriteString("adopt", storage.Adopt);
        json.WriteEndObject();
    }

    private static void WriteQueue(Utf8JsonWriter json, QueueStoreSettings queue)
    {
        json.WriteStartObject("queue");
        json.WriteString("inline_limit", Quantity.FormatBytes(queue.InlineLimit));
        json.WriteNumber("max_pending", queue.MaxPending);
        json.WriteString("max_pending_bytes", Quantity.FormatBytes(queue.MaxPendingBytes));
        json.WriteString("max_commit_bytes", Quantity.FormatBytes(queue.MaxCommitBytes));
        json.WriteString("payload_cache", Quantity.FormatBytes(queue.PayloadCache));
        json.WriteNumber("attempts_kept", queue.AttemptsKept);
        json.WriteNumber("max_waiters", queue.MaxWaiters);
        json.WriteNumber("fairness_interval", queue.FairnessInterval);
        WriteDuration(json, "sweep_interval", queue.SweepInterval);
        json.WriteString("disk_reserve", Quantity.FormatBytes(queue.DiskReserve));
        WriteDuration(json, "orphan_age", queue.OrphanAge);
        json.WriteEndObject();
    }

    private static void WriteCallbacks(Utf8JsonWriter json, CallbackSettings callbacks)
    {
        json.WriteStartObject("callbacks");
        json.WriteBoolean("allow_private_targets", callbacks.AllowPrivateTargets);
        WriteTexts(json, "allowed_targets", callbacks.AllowedTargets);
        json.WriteNumber("attempts", callbacks.Attempts);
        WriteDuration(json, "backoff", callbacks.Backoff);
        WriteDuration(json, "backoff_max", callbacks.BackoffMax);
        WriteDuration(json, "timeout", callbacks.Timeout);
        json.WriteNumber("concurrency", callbacks.Concurrency);
        json.WriteEndObject();
    }

    private static string? Hidden(string? secret) => secret is null ? null : ClusterConfig.HiddenSecret;

    private static void WriteListener(Utf8JsonWriter json, string name, ListenAddress address)
    {
        json.WriteStartObject(name);
        json.WriteString("host", address.Host);
        json.WriteNumber("port", address.Port);
        json.WriteEndObject();
    }

    private static void WriteDuration(Utf8JsonWriter json, string name, TimeSpan value) => json.WriteString(name, GoDuration.Format(value));
}
