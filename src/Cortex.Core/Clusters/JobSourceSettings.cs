namespace Cortex.Core.Clusters;

/// <summary>Where batch jobs may read files. Without a word: nowhere.</summary>
public sealed record JobSourceSettings
{
    /// <summary>How <c>s3://</c> is reached.</summary>
    public JobS3Settings S3 { get; init; } = new();

    /// <summary>Absolute paths of the folders of this machine that <c>file://</c> may read below; empty for none.</summary>
    public IReadOnlyList<string> FileFolders { get; init; } = [];

    /// <summary>Hosts that <c>http://</c> and <c>https://</c> may read from, with or without a port; <c>*</c> for every one, this machine's own network included; empty for none.</summary>
    public IReadOnlyList<string> HttpHosts { get; init; } = [];
}

/// <summary>How batch jobs reach S3 or something that speaks the same. Without a word they do not.</summary>
public sealed record JobS3Settings
{
    /// <summary>The service's URL; null for AWS itself.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The region; null for us-east-1, or with <see cref="Environment"/> for what the environment says.</summary>
    public string? Region { get; init; }

    /// <summary>The access key's id; null for none. Always together with the secret.</summary>
    public string? AccessKey { get; init; }

    /// <summary>The access key's secret. Always together with the id.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Whether jobs read with what AWS's own environment variables, files and this machine's role give the server.</summary>
    public bool Environment { get; init; }

    /// <summary>Buckets that may be read, each alone or with a slash and a prefix; empty for all that the service lets the key read.</summary>
    public IReadOnlyList<string> Buckets { get; init; } = [];

    /// <summary>Whether the bucket is named in the path instead of in the host's name, as most services but AWS want it.</summary>
    public bool PathStyle { get; init; }
}
