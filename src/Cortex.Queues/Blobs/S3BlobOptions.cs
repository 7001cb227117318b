namespace Cortex.Queues.Blobs;

/// <summary>Where the blobs are in S3 or in storage that speaks its protocol.</summary>
public sealed record S3BlobOptions
{
    /// <summary>The bucket; it exists.</summary>
    public required string Bucket { get; init; }

    /// <summary>Whose the bucket, or what of it begins with <see cref="Prefix"/>, is; null leaves that open and refuses nobody.</summary>
    public ClusterIdentity? Cluster { get; init; }

    /// <summary>Bytes of the disk of <see cref="ScratchFolder"/> that stay free, and half of them for results; 0 for none.</summary>
    public long DiskReserve { get; init; }

    /// <summary>Goes before every name, such as <c>cortex/blobs/</c>; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Address of storage other than Amazon's, such as <c>http://minio:9000</c>; null for Amazon's.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The region; null for the one of the environment (<c>AWS_REGION</c>, profile), or <c>us-east-1</c> where <see cref="Endpoint"/> is given.</summary>
    public string? Region { get; init; }

    /// <summary>Null takes credentials from the environment: variables, profile, container or machine role.</summary>
    public string? AccessKey { get; init; }

    /// <summary>Belongs to <see cref="AccessKey"/>.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Names the bucket in the path instead of in the host name, which most storage other than Amazon's needs.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Larger blobs are sent in parts of this many bytes; 5 MiB (the protocol's minimum) to 1 GiB. A blob has at most 10,000 parts.</summary>
    public int PartBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>A part lies in a file here while it is sent, one for each blob being written; null for the system's folder for temporary files.</summary>
    public string? ScratchFolder { get; init; }

    /// <summary>One request takes at most this long, without the time in which a blob is read; 1 second to 1 hour.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
