namespace Cortex.Core.Clusters;

/// <summary>Where rows are kept.</summary>
public enum RowStorage
{
    /// <summary>A file in the data directory.</summary>
    Sqlite,

    /// <summary>A PostgreSQL database.</summary>
    Postgres,
}

/// <summary>Where large payloads and results are kept.</summary>
public enum BlobStorage
{
    /// <summary>Files in the data directory.</summary>
    Folder,

    /// <summary>A bucket of S3 or of something that speaks the same.</summary>
    S3,
}

/// <summary>Where the state, queues, payloads and results are kept.</summary>
public sealed record StorageSettings
{
    /// <summary>Where deployed APIs, their versions and jobs are kept.</summary>
    public RowStorage State { get; init; } = RowStorage.Sqlite;

    /// <summary>Where queues and results are kept.</summary>
    public RowStorage Queues { get; init; } = RowStorage.Sqlite;

    /// <summary>Npgsql's connection string; null for the environment variable <c>CORTEX_POSTGRES</c>. A secret.</summary>
    public string? PostgresConnectionString { get; init; }

    /// <summary>Id of another cluster whose database, bucket or folder this one takes over; null for none.</summary>
    public string? Adopt { get; init; }

    /// <summary>Where large payloads and results are kept.</summary>
    public BlobStorage Blobs { get; init; } = BlobStorage.Folder;

    /// <summary>The bucket, for <see cref="BlobStorage.S3"/>.</summary>
    public S3Settings S3 { get; init; } = new();
}

/// <summary>A bucket of S3 or of something that speaks the same.</summary>
public sealed record S3Settings
{
    /// <summary>The service's URL; null for AWS itself.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The region; null for the environment variable <c>AWS_REGION</c>, else us-east-1.</summary>
    public string? Region { get; init; }

    /// <summary>The bucket; it exists. Null when blobs are kept elsewhere.</summary>
    public string? Bucket { get; init; }

    /// <summary>What every object's name starts with; may be empty.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The access key's id; null for AWS's own environment variables, files and roles. Always together with the secret.</summary>
    public string? AccessKey { get; init; }

    /// <summary>The access key's secret. Always together with the id.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Whether the bucket is named in the path instead of in the host's name, as most services but AWS want it.</summary>
    public bool PathStyle { get; init; }
}
