using System.Buffers;
using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Cortex.Queues.Blobs;

/// <summary>
/// Blobs as objects of a bucket. While a blob is written at most one part of it is here, in a file: parts need a known
/// length, and may have to be sent again. An abort rule of the bucket should remove uploads that a killed process left.
/// </summary>
public sealed class S3BlobStore : IBlobStore
{
    private const int BufferBytes = 128 * 1024;
    private const int SmallestPart = 5 * 1024 * 1024;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromSeconds(10);

    private readonly S3BlobOptions _options;
    private readonly string _scratch;
    private readonly AmazonS3Client _client;
    private readonly TimeProvider _time;
    private readonly DiskRoom _room;
    private volatile bool _isClaimed;

    /// <summary>Makes a client; nothing is asked yet.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public S3BlobStore(S3BlobOptions options, TimeProvider time)
    {
        ArgumentException.ThrowIfNullOrEmpty(options.Bucket);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PartBytes, SmallestPart);
        if (options.AccessKey is null != options.SecretKey is null)
        {
            throw new ArgumentException("the access key and the secret key of S3 are given both or not at all", nameof(options));
        }

        _options = options;
        _time = time;
        _scratch = options.ScratchFolder ?? Path.GetTempPath();
        _room = new DiskRoom(_scratch);
        _isClaimed = options.Cluster is null;
        var config = new AmazonS3Config
        {
            Timeout = options.RequestTimeout,
            ConnectTimeout = ConnectTimeout,
            // Many other implementations know no checksums in trailers. The signature covers the content of every part anyway.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        _client = S3Clients.Make(config, options.Endpoint?.ToString(), options.Region, options.PathStyle, S3Clients.Credentials(options.AccessKey, options.SecretKey));
    }

    /// <inheritdoc/>
    /// <remarks>
    /// While the bucket can't be reached it is not known whose it is: then this fails, and is tried again before the first blob is written or deleted.
    /// </remarks>
    public async Task ClaimAsync(CancellationToken cancellationToken)
    {
        if (_options.Cluster is not { } cluster)
        {
            return;
        }

        var place = _options.Prefix.Length == 0 ? $"bucket {_options.Bucket}" : $"what begins with {_options.Prefix} in bucket {_options.Bucket}";
        var (owner, label) = await ReadMarkAsync(cancellationToken);
        if (cluster.MustMark(place, owner, label))
        {
            await CallAsync(OwnerMark.Name, "write", () => MarkAsync(cluster, isFirst: owner is null, cancellationToken));

            // Of two that marked it at once one finds the other's mark.
            (owner, label) = await ReadMarkAsync(cancellationToken);
            (cluster with { Adopt = null }).MustMark(place, owner, label);
        }

        _isClaimed = true;
    }

    /// <inheritdoc/>
    public async Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        var key = KeyOf(name);
        await EnsureClaimedAsync(cancellationToken);
        using var growth = _room.Begin($"a part of blob {name}", BlobNames.IsResult(name) ? _options.DiskReserve / 2 : _options.DiskReserve, expected: null);
        await using var part = OpenScratch(name);
        var more = await FillAsync(part, content, growth, name, cancellationToken);
        if (!more)
        {
            await CallAsync(name, "write", async () =>
            {
                await _client.PutObjectAsync(
                    new PutObjectRequest { BucketName = _options.Bucket, Key = key, InputStream = part, AutoCloseStream = false, UseChunkEncoding = false }, cancellationToken);
            });
            return part.Length;
        }

        var upload = "";
        await CallAsync(name, "write", async () =>
        {
            var answer = await _client.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = _options.Bucket, Key = key }, cancellationToken);
            upload = answer.UploadId;
        });
        try
        {
            return await SendPartsAsync(name, key, upload, part, growth, content, cancellationToken);
        }
        catch
        {
            await AbortAsync(key, upload);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<Stream?> OpenAsync(string name, CancellationToken cancellationToken)
    {
        GetObjectResponse? answer = null;
        await CallAsync(name, "read", async () =>
        {
            try
            {
                answer = await _client.GetObjectAsync(new GetObjectRequest { BucketName = _options.Bucket, Key = KeyOf(name) }, cancellationToken);
            }
            catch (AmazonS3Exception e) when (IsMissing(e))
            {
            }
        });
        return answer is null ? null : new BlobStream(answer.ResponseStream, name, answer);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var key = KeyOf(name);
        await EnsureClaimedAsync(cancellationToken);
        await CallAsync(name, "delete", async () =>
        {
            try
            {
                await _client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = _options.Bucket, Key = key }, cancellationToken);
            }
            catch (AmazonS3Exception e) when (IsMissing(e))
            {
            }
        });
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobInfo> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? next = null;
        do
        {
            ListObjectsV2Response? page = null;
            var request = new ListObjectsV2Request { BucketName = _options.Bucket, Prefix = _options.Prefix, ContinuationToken = next };
            await CallAsync(_options.Prefix, "list", async () => page = await _client.ListObjectsV2Async(request, cancellationToken));
            foreach (var found in page!.S3Objects ?? [])
            {
                if (found.LastModified is { } modified && found.Key != MarkKey)
                {
                    yield return new BlobInfo(found.Key[_options.Prefix.Length..], modified.ToUniversalTime());
                }
            }

            next = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (next is not null);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private string MarkKey => _options.Prefix + OwnerMark.Name;

    private static bool IsMissing(AmazonS3Exception error) => error.StatusCode == HttpStatusCode.NotFound && error.ErrorCode != "NoSuchBucket";

    private Task EnsureClaimedAsync(CancellationToken cancellationToken) => _isClaimed ? Task.CompletedTask : ClaimAsync(cancellationToken);

    private async Task<(string? Id, string? Label)> ReadMarkAsync(CancellationToken cancellationToken)
    {
        var mark = new byte[OwnerMark.MaxLength];
        var length = 0;
        await CallAsync(OwnerMark.Name, "read", async () =>
        {
            try
            {
                using var answer = await _client.GetObjectAsync(new GetObjectRequest { BucketName = _options.Bucket, Key = MarkKey }, cancellationToken);
                length = await answer.ResponseStream.ReadAtLeastAsync(mark, mark.Length, throwOnEndOfStream: false, cancellationToken);
            }
            catch (AmazonS3Exception e) when (IsMissing(e))
            {
            }
        });
        return OwnerMark.Read(mark.AsSpan(0, length));
    }

    private async Task MarkAsync(ClusterIdentity cluster, bool isFirst, CancellationToken cancellationToken)
    {
        try
        {
            await PutAsync(isFirst ? "*" : null);
        }
        catch (AmazonS3Exception e) when (isFirst && e.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            // Somebody was first; who reads it next is told.
        }
        catch (AmazonS3Exception e) when (isFirst && e.StatusCode == HttpStatusCode.NotImplemented)
        {
            await PutAsync(null);
        }

        async Task PutAsync(string? onlyIfNone)
        {
            using var content = new MemoryStream(OwnerMark.Write(cluster));
            var request = new PutObjectRequest { BucketName = _options.Bucket, Key = MarkKey, InputStream = content, UseChunkEncoding = false };
            if (onlyIfNone is not null)
            {
                request.IfNoneMatch = onlyIfNone;
            }

            await _client.PutObjectAsync(request, cancellationToken);
        }
    }

    private async Task<long> SendPartsAsync(string name, string key, string upload, FileStream part, DiskRoom.Growth growth, Stream content, CancellationToken cancellationToken)
    {
        var sent = new List<PartETag>();
        long length = 0;
        do
        {
            await CallAsync(name, "write", async () =>
            {
                var answer = await _client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = _options.Bucket, Key = key, UploadId = upload, PartNumber = sent.Count + 1,
                        InputStream = part, PartSize = part.Length, UseChunkEncoding = false,
                    },
                    cancellationToken);
                sent.Add(new PartETag(sent.Count + 1, answer.ETag));
            });
            length += part.Length;
            await FillAsync(part, content, growth, name, cancellationToken);
        }
        while (part.Length > 0);

        await CallAsync(name, "write", () => _client.CompleteMultipartUploadAsync(
            new CompleteMultipartUploadRequest { BucketName = _options.Bucket, Key = key, UploadId = upload, PartETags = sent }, cancellationToken));
        return length;
    }

    /// <summary>Puts the next part into the file, which then stands at its start. False when the content ended with it.</summary>
    private async Task<bool> FillAsync(FileStream part, Stream content, DiskRoom.Growth growth, string name, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            part.Position = 0;
            part.SetLength(0);
            while (part.Position < _options.PartBytes)
            {
                var read = await content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(BufferBytes, _options.PartBytes - part.Position)), cancellationToken);
                if (read == 0)
                {
                    part.Position = 0;
                    return false;
                }

                growth.Take(read);
                await WriteScratchAsync(part, buffer.AsMemory(0, read), name, cancellationToken);
            }

            part.Position = 0;
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task WriteScratchAsync(FileStream part, ReadOnlyMemory<byte> bytes, string name, CancellationToken cancellationToken)
    {
        try
        {
            await part.WriteAsync(bytes, cancellationToken);
        }
        catch (IOException e)
        {
            throw ScratchFailure(name, e);
        }
    }

    private FileStream OpenScratch(string name)
    {
        try
        {
            Directory.CreateDirectory(_scratch);
            return new FileStream(
                Path.Combine(_scratch, $"cortex-part-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.DeleteOnClose | FileOptions.Asynchronous);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ScratchFailure(name, e);
        }
    }

    private IOException ScratchFailure(string name, Exception error) => error is IOException io && FolderBlobStore.IsFull(io)
        ? new StoreFullException($"can't write blob {name}: the disk of {_scratch}, where its parts lie while they are sent, is full", error)
        : new StoreUnavailableException($"can't write blob {name}: {_scratch}, where its parts lie while they are sent, fails: {error.Message}", error);

    // Unfinished uploads cost money and are invisible: this one is ended even when the writer has gone.
    private async Task AbortAsync(string key, string upload)
    {
        using var limit = new CancellationTokenSource(AbortTimeout, _time);
        try
        {
            await _client.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = _options.Bucket, Key = key, UploadId = upload }, limit.Token);
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or OperationCanceledException)
        {
            // The first failure is the one to report; the bucket's abort rule removes the rest.
        }
    }

    private async Task CallAsync(string name, string verb, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.InsufficientStorage || e.ErrorCode is "QuotaExceeded" or "XMinioStorageFull" or "XMinioAdminBucketQuotaExceeded")
        {
            throw new StoreFullException($"can't {verb} blob {name} in bucket {_options.Bucket}: {e.Message}", e);
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException and not StoreFullException and not StoreUnavailableException and not StoreOwnedException)
        {
            throw Unavailable(name, verb, e);
        }
        catch (OperationCanceledException e) when (e.InnerException is TimeoutException)
        {
            throw Unavailable(name, verb, e);
        }
    }

    private StoreUnavailableException Unavailable(string name, string verb, Exception error) =>
        new($"can't {verb} blob {name} in bucket {_options.Bucket}: {error.Message}", error);

    private string KeyOf(string name)
    {
        BlobNameRule.Check(name);
        return _options.Prefix + name;
    }
}
