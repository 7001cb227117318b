using Cortex.Queues;

namespace Cortex.Jobs.Storing;

/// <summary>Whose jobs are stored, and how many ended ones.</summary>
public sealed record JobStoreOptions
{
    /// <summary>Whose they are; null leaves that open and refuses nobody.</summary>
    public ClusterIdentity? Cluster { get; init; }

    /// <summary>Ended jobs kept per API; default 100.</summary>
    public int History { get; init; } = 100;

    /// <summary>Ended jobs are kept this long; default 30 days.</summary>
    public TimeSpan HistoryAge { get; init; } = TimeSpan.FromDays(30);
}
