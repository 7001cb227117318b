using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace Cortex.Queues.Blobs;

/// <summary>Makes clients of S3, of Amazon's or of other storage.</summary>
public static class S3Clients
{
    /// <summary>Makes a client; nothing is asked yet.</summary>
    /// <param name="config">What its user wants of it besides; gets the rest.</param>
    /// <param name="endpoint">Address of storage other than Amazon's; null for Amazon's.</param>
    /// <param name="region">The region; null for the one of the environment, or <c>us-east-1</c> at an endpoint.</param>
    /// <param name="pathStyle">Names buckets in the path instead of in the host name.</param>
    /// <param name="credentials">Null takes those of the environment.</param>
    public static AmazonS3Client Make(AmazonS3Config config, string? endpoint, string? region, bool pathStyle, AWSCredentials? credentials)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.HttpClientFactory = new S3HttpClients();
        config.ForcePathStyle = pathStyle;
        if (endpoint is not null)
        {
            config.ServiceURL = endpoint;
            config.AuthenticationRegion = region ?? "us-east-1";
        }
        else if (region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config);
    }

    /// <summary>Credentials of keys; null without keys.</summary>
    public static AWSCredentials? Credentials(string? accessKey, string? secretKey, string? sessionToken = null) => (accessKey, secretKey, sessionToken) switch
    {
        ({ } access, { } secret, { } token) => new SessionAWSCredentials(access, secret, token),
        ({ } access, { } secret, null) => new BasicAWSCredentials(access, secret),
        _ => null,
    };
}
