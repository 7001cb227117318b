using System.Text.Json;

namespace Cortex.Core.Clusters;

/// <summary>The configuration of a cluster. Every value has a default, so that no file is needed.</summary>
public sealed record ClusterConfig
{
    /// <summary>Stands for a secret wherever a configuration is shown.</summary>
    public const string HiddenSecret = "(hidden)";

    /// <summary>3-54 lower-case letters, digits and single dashes; marks everything that the cluster starts.</summary>
    public string ClusterName { get; init; } = "cortex";

    /// <summary>Any name of a place; nothing depends on it here.</summary>
    public string Region { get; init; } = "local";

    /// <summary>The node groups that the file names; empty for this machine alone.</summary>
    public IReadOnlyList<NodeGroup> NodeGroups { get; init; } = [];

    /// <summary>Where the operator listens.</summary>
    public ListenAddress Operator { get; init; } = new("127.0.0.1", 8888);

    /// <summary>Where the APIs are reached.</summary>
    public ListenAddress Apis { get; init; } = new("127.0.0.1", 8889);

    /// <summary>Who is believed what.</summary>
    public AccessSettings Access { get; init; } = new();

    /// <summary>How replicas run on Docker.</summary>
    public DockerSettings Docker { get; init; } = new();

    /// <summary>Bounds of the operator.</summary>
    public LimitSettings Limits { get; init; } = new();

    /// <summary>Bounds of the gateway.</summary>
    public GatewaySettings Gateway { get; init; } = new();

    /// <summary>Bounds of jobs.</summary>
    public JobSettings Jobs { get; init; } = new();

    /// <summary>Where the state, and queues, payloads and results of Async APIs are kept.</summary>
    public StorageSettings Storage { get; init; } = new();

    /// <summary>Bounds of the queue store.</summary>
    public QueueStoreSettings Queue { get; init; } = new();

    /// <summary>Bounds of Async APIs' endpoints.</summary>
    public AsyncSettings Async { get; init; } = new();

    /// <summary>How callbacks of Async APIs are delivered.</summary>
    public CallbackSettings Callbacks { get; init; } = new();

    /// <summary>Paths of the fields that the file sets and that have no effect on one machine, in file order.</summary>
    public IReadOnlyList<string> IgnoredFields { get; init; } = [];

    /// <summary>Its secrets by their path; those that are not set are left out.</summary>
    public IReadOnlyDictionary<string, string> Secrets => new (string Path, string? Value)[]
    {
        ("jobs.sources.s3.access_key", Jobs.Sources.S3.AccessKey),
        ("jobs.sources.s3.secret_key", Jobs.Sources.S3.SecretKey),
        ("storage.postgres.connection_string", Storage.PostgresConnectionString),
        ("storage.s3.access_key", Storage.S3.AccessKey),
        ("storage.s3.secret_key", Storage.S3.SecretKey),
    }.Where(secret => secret.Value is not null).ToDictionary(secret => secret.Path, secret => secret.Value!, StringComparer.Ordinal);

    /// <summary>Values of the top-level fields without effect, defaults included, by name.</summary>
    internal IReadOnlyDictionary<string, JsonElement> Unused { get; init; } = ClusterDefaults.Unused;

    /// <summary>The whole as one flat object, as the operator's <c>/info</c> answers it. Secrets show only that they are set.</summary>
    /// <param name="apiVersion">The version of the operator.</param>
    /// <param name="operatorId">Identifies the account of the operator.</param>
    /// <param name="clusterId">Identifies the cluster.</param>
    /// <param name="isOperatorInCluster">Whether the operator runs as part of the cluster.</param>
    public JsonElement ToInfo(string apiVersion, string operatorId, string clusterId, bool isOperatorInCluster) =>
        ClusterInfoWriter.Write(this, apiVersion, operatorId, clusterId, isOperatorInCluster);

    /// <summary>The same object with no more than whose cluster it is, for those who may not see how it is configured.</summary>
    /// <param name="apiVersion">The version of the operator.</param>
    /// <param name="operatorId">Identifies the account of the operator.</param>
    /// <param name="clusterId">Identifies the cluster.</param>
    /// <param name="isOperatorInCluster">Whether the operator runs as part of the cluster.</param>
    public JsonElement ToIdentity(string apiVersion, string operatorId, string clusterId, bool isOperatorInCluster) =>
        ClusterInfoWriter.WriteIdentity(this, apiVersion, operatorId, clusterId, isOperatorInCluster);
}

/// <summary>An address to listen on.</summary>
/// <param name="Host">An IP address or a host name.</param>
/// <param name="Port">1-65535.</param>
public sealed record ListenAddress(string Host, int Port);
