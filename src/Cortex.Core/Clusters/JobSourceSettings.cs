namespace Cortex.Core.Clusters;

/// <summary>Where batch jobs may read files. Without a word: from AWS's buckets alone.</summary>
public sealed record JobSourceSettings
{
    /// <summary>How <c>s3://</c> is reached.</summary>
    public JobS3Settings S3 { get; init; } = new();

    /// <summary>Absolute paths of the folders of this machine that <c>file://</c> may read below; empty for none.</summary>
    public IReadOnlyList<string> FileFolders { get; init; } = [];

    /// <summary>Hosts that <c>http://</c> and <c>https://</c> may read from; <c>*</c> for every one, this machine's own network included; empty for none.</summary>
    public IReadOnlyList<string> HttpHosts { get; init; } = [];
}

/// <summary>How batch jobs reach S3 or something that speaks the same.</summary>
public sealed record JobS3Settings
{
    /// <summary>The service's URL; null for AWS itself.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The region; null for the environment variable <c>AWS_REGION</c>, else us-east-1.</summary>
    public string? Region { get; init; }

    /// <summary>The access key's id; null for AWS's own environment variables, files and roles. Always together with the secret.</summary>
    public string? AccessKey { get; init; }

    /// <summary>The access key's secret. Always together with the id.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Whether the bucket is named in the path instead of in the host's name, as most services but AWS want it.</summary>
    public bool PathStyle { get; init; }
}
