namespace Cortex.Queues.Blobs;

/// <summary>Whose a folder of blobs is, and how full its disk may become.</summary>
public sealed record FolderBlobOptions
{
    /// <summary>The cluster; null leaves that open and refuses nobody.</summary>
    public ClusterIdentity? Cluster { get; init; }

    /// <summary>Bytes of the disk that stay free, and half of them for results, which end work; 0 for none.</summary>
    public long DiskReserve { get; init; }
}
