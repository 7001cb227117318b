namespace Cortex.Core.Clusters;

/// <summary>Bounds of the operator.</summary>
public sealed record LimitSettings
{
    /// <summary>A replica that is pending for longer counts as stalled.</summary>
    public TimeSpan StalledAfter { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Time a replica gets to finish its requests and stop, before it is killed.</summary>
    public TimeSpan TerminationGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Versions of one API that are kept, the current one included; 1-1000.</summary>
    public int ApiVersions { get; init; } = 10;

    /// <summary>APIs that may be deployed; 1-100000.</summary>
    public int MaxApis { get; init; } = 1000;

    /// <summary>Replicas that one API may ask for; 1-100000.</summary>
    public int MaxReplicas { get; init; } = 1000;

    /// <summary>Clients that may read logs at a time; 1-10000.</summary>
    public int LogStreams { get; init; } = 100;

    /// <summary>A client that takes no log lines for so long is cut off; 1 second to 1 hour.</summary>
    public TimeSpan LogStall { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Bytes of the server's log file before it is rotated.</summary>
    public long ServerLogSize { get; init; } = 50L * 1024 * 1024;

    /// <summary>Connections of the operator's clients at a time; 10-100000.</summary>
    public int MaxConnections { get; init; } = 2000;

    /// <summary>Connections of one address at a time; 1-100000.</summary>
    public int MaxConnectionsPerAddress { get; init; } = 500;
}
