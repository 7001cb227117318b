using System.Net;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Cortex.Core.Errors;
using Cortex.Queues.Blobs;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>Files in S3 or any storage that speaks its protocol: <c>s3://bucket/prefix</c>.</summary>
internal sealed partial class S3Storage(S3SourceOptions options, Retry retry) : ISourceStorage, IDisposable
{
    private const string Scheme = "s3://";

    // Made when first used: looking for credentials may ask the network.
    private readonly Lazy<AmazonS3Client> _client = new(() => Connect(options));

    /// <inheritdoc/>
    public bool Owns(string path) => path.StartsWith(Scheme, StringComparison.Ordinal);

    /// <inheritdoc/>
    public void Check(string path)
    {
        var (bucket, key) = Split(path);
        if (!BucketName.IsMatch(bucket))
        {
            throw new CortexException(BatchErrorKinds.InvalidPath, $"\"{path}\" names no bucket; write s3://bucket/prefix");
        }

        // An address is put together of both, and whoever reads it takes such parts out.
        if (key.Split('/').Any(part => part is "." or ".."))
        {
            throw new CortexException(BatchErrorKinds.InvalidPath, $"\"{path}\" must not hold \".\" or \"..\" as a part");
        }

        if (!options.IsOpen)
        {
            throw new CortexException(BatchErrorKinds.PathNotAllowed, $"{path}: jobs may not read from s3://; the cluster's configuration can allow it in jobs.sources.s3");
        }

        if (options.Buckets.Count > 0 && !options.Buckets.Any(allowed => IsIn(bucket, key, allowed)))
        {
            throw new CortexException(BatchErrorKinds.PathNotAllowed, $"{path} is in none of the buckets and prefixes that jobs may read: {string.Join(", ", options.Buckets)}");
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceFile> ListAsync(string path, string? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (bucket, prefix) = Split(path);
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = prefix, StartAfter = after is null ? null : Split(after).Key };
        do
        {
            var page = await AskAsync($"list {path}", bucket, token => _client.Value.ListObjectsV2Async(request, token), cancellationToken);
            foreach (var found in page.S3Objects ?? [])
            {
                if (!found.Key.EndsWith('/'))
                {
                    yield return new S3File(this, bucket, found.Key) { Path = $"{Scheme}{bucket}/{found.Key}", Tag = found.ETag, Length = found.Size };
                }
            }

            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    /// <inheritdoc/>
    public async Task<SourceFile?> FindAsync(string path, CancellationToken cancellationToken)
    {
        Check(path);
        var (bucket, key) = Split(path);
        try
        {
            var found = await AskAsync($"read {path}", bucket, token => _client.Value.GetObjectMetadataAsync(bucket, key, token), cancellationToken);
            return new S3File(this, bucket, key) { Path = path, Tag = found.ETag, Length = found.ContentLength };
        }
        catch (CortexException exception) when (exception.InnerException is AmazonServiceException { StatusCode: HttpStatusCode.NotFound })
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_client.IsValueCreated)
        {
            _client.Value.Dispose();
        }
    }

    private static bool IsIn(string bucket, string key, string allowed)
    {
        var slash = allowed.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? bucket == allowed : bucket == allowed[..slash] && key.StartsWith(allowed[(slash + 1)..], StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^[a-zA-Z0-9][a-zA-Z0-9._\-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex BucketName { get; }

    private static (string Bucket, string Key) Split(string path)
    {
        var rest = path[Scheme.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..]);
    }

    private static AmazonS3Client Connect(S3SourceOptions options)
    {
        var config = new AmazonS3Config
        {
            MaxErrorRetry = 0,   // Retry does it, for reading too
            IgnoreConfiguredEndpointUrls = !options.Environment,
        };
        var credentials = S3Clients.Credentials(options.AccessKey, options.SecretKey, options.SessionToken);
        return S3Clients.Make(config, options.Endpoint, options.Region, options.PathStyle, credentials ?? (options.Environment ? null : new AnonymousAWSCredentials()));
    }

    private async Task<T> AskAsync<T>(string what, string bucket, Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await retry.RunAsync(what, ask, cancellationToken);
        }
        catch (CortexException exception) when (exception.InnerException is AmazonS3Exception { ErrorCode: "NoSuchBucket" })
        {
            throw new CortexException(BatchErrorKinds.BucketNotFound, $"there is no bucket \"{bucket}\"", exception.InnerException);
        }
    }

    private sealed class S3File(S3Storage storage, string bucket, string key) : SourceFile
    {
        public override async Task<OpenedFile> OpenAsync(long offset, CancellationToken cancellationToken)
        {
            if (offset > 0 && offset == Length)
            {
                return new(Stream.Null, offset);   // S3 refuses an empty range
            }

            storage.Check(Path);   // not every name that a listing gives can be asked for
            var request = new GetObjectRequest { BucketName = bucket, Key = key, EtagToMatch = Tag };
            if (offset > 0)
            {
                request.ByteRange = new ByteRange($"bytes={offset}-");
            }

            try
            {
                var answer = await storage._client.Value.GetObjectAsync(request, cancellationToken);
                if (Tag is not null && answer.ETag != Tag)
                {
                    answer.Dispose();
                    throw SourceErrors.Changed(Path);
                }

                return new(answer.ResponseStream, offset);
            }
            catch (AmazonS3Exception exception) when (exception.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                throw SourceErrors.Changed(Path, exception);
            }
        }
    }
}
