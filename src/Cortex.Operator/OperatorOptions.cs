using Cortex.Dispatch;
using Cortex.Core.Clusters;
using Cortex.Gateway.Listening;
using Cortex.Queues;

namespace Cortex.Operator;

/// <summary>What the operator needs to know of its cluster.</summary>
public sealed record OperatorOptions
{
    /// <summary>The cluster's configuration.</summary>
    public required ClusterConfig Cluster { get; init; }

    /// <summary>Our version, as clients and containers see it.</summary>
    public required string Version { get; init; }

    /// <summary>The bearer token that clients must show; never empty.</summary>
    public required string Token { get; init; }

    /// <summary>What every endpoint URL starts with, such as <c>http://127.0.0.1:8889</c>.</summary>
    public required string ApiBaseUrl { get; init; }

    /// <summary>The database file of the desired state; beside it stand the database of jobs and their logs.</summary>
    public required string StatePath { get; init; }

    /// <summary>Connection string of the PostgreSQL database that keeps the desired state and jobs instead of files; null for none.</summary>
    public string? PostgresState { get; init; }

    /// <summary>Whose the desired state and jobs are; null leaves that open and refuses nobody.</summary>
    public ClusterIdentity? Identity { get; init; }

    /// <summary>Tells what must not start or stop anything.</summary>
    public ForeignRequests Foreign { get; init; } = new([]);

    /// <summary>How batches are brought to workers.</summary>
    public DispatchOptions Dispatch { get; init; } = new();

    /// <summary>Writes metrics of further parts in the Prometheus text format; nothing by default.</summary>
    public Action<TextWriter> WriteMoreMetrics { get; init; } = static _ => { };

    /// <summary>The folder of the state, which holds the jobs too.</summary>
    internal string StateFolder => Path.GetDirectoryName(Path.GetFullPath(StatePath))!;

    /// <summary>Largest configuration file that a deployment accepts, in bytes; default 1 MiB.</summary>
    public int MaxConfigBytes { get; init; } = 1024 * 1024;
}
