using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Sources;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Queues.Blobs;

namespace Cortex.Jobs.Batch.Items;

/// <summary>Keeps the items that came with a submission in a blob until they are in the job's queue.</summary>
public sealed class SubmittedItems(IBlobStore blobs, BatchLimits limits)
{
    private const string Prefix = "jobs/";
    private const string Suffix = "/items";

    /// <summary>The name of a job's blob.</summary>
    /// <param name="jobId">Lower-case letters and digits.</param>
    public static string BlobName(string jobId) => $"{Prefix}{jobId}{Suffix}";

    /// <summary>The job that a blob belongs to; null when it is no blob of submitted items.</summary>
    public static string? JobOf(string blobName) =>
        blobName.StartsWith(Prefix, StringComparison.Ordinal) && blobName.EndsWith(Suffix, StringComparison.Ordinal) && blobName.Length > Prefix.Length + Suffix.Length
            ? blobName[Prefix.Length..^Suffix.Length]
            : null;

    /// <summary>Stores items that are in memory. Durable when it completes; a blob of the same job is replaced.</summary>
    public async Task<long> StoreAsync(string jobId, BatchSubmission submission, CancellationToken cancellationToken) =>
        await StoreAsync(jobId, new ListItems(submission.Items), cancellationToken);

    /// <summary>Stores items while they come, whatever their number, and returns how many there are. Durable when it completes.</summary>
    /// <exception cref="CortexException">There is none, one is no JSON or too long, or all together are: then nothing is stored.</exception>
    public async Task<long> StoreAsync(string jobId, Stream body, CancellationToken cancellationToken)
    {
        await using var items = new StreamItems(body, limits);
        return await StoreAsync(jobId, items, cancellationToken);
    }

    /// <summary>Checks items while they come and stores nothing; for a dry run.</summary>
    /// <exception cref="CortexException">As <see cref="StoreAsync(string, Stream, CancellationToken)"/>.</exception>
    public async Task CheckAsync(Stream body, CancellationToken cancellationToken)
    {
        await using var items = new StreamItems(body, limits);
        await ReadFirstAsync(items, cancellationToken);
        while (await items.ReadAsync(cancellationToken))
        {
        }
    }

    /// <summary>Deletes a job's items. None is no error.</summary>
    public Task DeleteAsync(string jobId, CancellationToken cancellationToken) => blobs.DeleteAsync(BlobName(jobId), cancellationToken);

    /// <summary>As <see cref="StoreAsync(string, BatchSubmission, CancellationToken)"/>, from anywhere.</summary>
    internal async Task<long> StoreAsync(string jobId, IItemSource items, CancellationToken cancellationToken)
    {
        await ReadFirstAsync(items, cancellationToken);
        await using var lines = new ItemLines(items);
        await blobs.WriteAsync(BlobName(jobId), lines, cancellationToken);
        return lines.Count;
    }

    /// <summary>A job's items as a file.</summary>
    internal SourceFile File(string jobId) => new ItemFile(blobs, jobId) { Path = "the submitted items", Tag = null, Length = null };

    private static async Task ReadFirstAsync(IItemSource items, CancellationToken cancellationToken)
    {
        if (!await items.ReadAsync(cancellationToken))
        {
            throw new CortexException(BatchErrorKinds.TooFewElements, "the request body has no items: send at least one JSON value");
        }
    }

    private sealed class ItemFile(IBlobStore blobs, string jobId) : SourceFile
    {
        public override async Task<OpenedFile> OpenAsync(long offset, CancellationToken cancellationToken)
        {
            var content = await blobs.OpenAsync(BlobName(jobId), cancellationToken)
                ?? throw new CortexException(BatchErrorKinds.Other, $"the items that came with job {jobId} are not in the blob store any more");
            if (!content.CanSeek)
            {
                return new(content, 0);
            }

            content.Position = offset;
            return new(content, offset);
        }
    }
}
