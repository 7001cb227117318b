namespace Cortex.Jobs.Batch.Sources;

/// <summary>Where batch jobs may read from.</summary>
public sealed record SourceOptions
{
    /// <summary>How <c>s3://</c> is reached.</summary>
    public S3SourceOptions S3 { get; init; } = new();

    /// <summary>Absolute paths of the folders that <c>file://</c> may read below; empty for none.</summary>
    public IReadOnlyList<string> Folders { get; init; } = [];

    /// <summary>Hosts that <c>http://</c> and <c>https://</c> may read from, as names or addresses, with a port or with every one; <c>*</c> for every one that this machine reaches, its own network included; empty for none.</summary>
    public IReadOnlyList<string> HttpHosts { get; init; } = [];

    /// <summary>A read that brings nothing for so long is broken off and tried again; 1 second to 1 hour.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Tries of one read or listing before the job fails; what was read in between counts afresh. 1 to 100.</summary>
    public int Attempts { get; init; } = 8;

    /// <summary>Pause after the first failed try; doubles with each. 1 ms to 1 minute.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause between tries; up to 10 minutes.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>How S3, or a storage that speaks its protocol, is reached. Without a word it is not.</summary>
public sealed record S3SourceOptions
{
    /// <summary>URL of a storage that speaks the protocol of S3; null for Amazon's own.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Its region.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>Puts the bucket into the path instead of the host name.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Null, with <see cref="SecretKey"/>, for none.</summary>
    public string? AccessKey { get; init; }

    /// <summary>Belongs to <see cref="AccessKey"/>.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Belongs to temporary keys; null for others.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Without a key, whether what the server's environment and its machine's role give is used; else requests are not signed.</summary>
    public bool Environment { get; init; }

    /// <summary>Buckets that may be read, each alone or with a slash and what objects' names begin with; empty for all.</summary>
    public IReadOnlyList<string> Buckets { get; init; } = [];

    /// <summary>Whether anything says that jobs may read from it.</summary>
    internal bool IsOpen => Endpoint is not null || AccessKey is not null || Environment || Buckets.Count > 0;
}
