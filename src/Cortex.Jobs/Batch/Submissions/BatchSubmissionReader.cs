using System.Net.Http.Headers;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Sources;

namespace Cortex.Jobs.Batch.Submissions;

/// <summary>Reads and checks what a client sends to start a batch job (http-api.md 5.1, rules 2 to 15).</summary>
public sealed class BatchSubmissionReader(BatchLimits limits, SourceStorages storages)
{
    private readonly SubmissionRules _rules = new(limits);

    /// <summary>Whether a body of this content type is newline-delimited JSON, with the settings as query parameters.</summary>
    public static bool IsStreamed(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && type.MediaType?.ToLowerInvariant() is "application/x-ndjson" or "application/ndjson" or "application/jsonl" or "application/jsonlines" or "application/x-jsonlines";

    /// <summary>Reads a JSON body.</summary>
    /// <exception cref="CortexException">The first rule of 2 to 14 that it breaks.</exception>
    public async Task<BatchSubmission> ReadAsync(Stream body, CancellationToken cancellationToken) => Check(await ParseAsync(body, cancellationToken));

    /// <summary>Reads a JSON body, and checks no more than that it is one.</summary>
    /// <exception cref="CortexException">It breaks rule 2 or 3.</exception>
    public async Task<UncheckedSubmission> ParseAsync(Stream body, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(body);
        using var bytes = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            if (bytes.Length + count > limits.MaxBodyBytes)
            {
                throw new CortexException(BatchErrorKinds.Other, $"request body too large: the limit is {limits.MaxBodyBytes} bytes; put the items into files, send them as newline-delimited JSON (Content-Type: application/x-ndjson), or raise jobs.max_submission_size in the cluster configuration");
            }

            bytes.Write(buffer, 0, count);
        }

        return new(SubmissionJson.Read(bytes.GetBuffer().AsMemory(0, (int)bytes.Length)));
    }

    /// <summary>Reads a JSON body that is in memory; its bytes must not change afterwards.</summary>
    /// <exception cref="CortexException">The first rule of 3 to 14 that it breaks.</exception>
    public BatchSubmission Read(ReadOnlyMemory<byte> body) => Check(new UncheckedSubmission(SubmissionJson.Read(body)));

    /// <summary>Checks what was read.</summary>
    /// <exception cref="CortexException">The first rule of 4 to 14 that it breaks.</exception>
    public BatchSubmission Check(UncheckedSubmission submission)
    {
        ArgumentNullException.ThrowIfNull(submission);
        var good = _rules.Check(submission.Draft);
        _ = Lister(good.Settings);
        return good;
    }

    /// <summary>Reads the settings of a job whose items follow as newline-delimited JSON: workers, batch_size, timeout, config (JSON text) and max_receive_count.</summary>
    /// <exception cref="CortexException">A parameter is unknown, or breaks a rule of 7 to 11.</exception>
    public BatchSettings ReadQuery(IEnumerable<KeyValuePair<string, string>> query)
    {
        var (draft, batchSize) = QuerySettings.Read(query);
        return _rules.Check(draft, BatchSource.ItemList, "", batchSize);
    }

    /// <summary>Finds out whether there is at least one file (rule 15). Nothing is asked for a job without files.</summary>
    /// <exception cref="CortexException">There is none, or a path can't be listed.</exception>
    public async Task CheckFilesAsync(BatchSettings settings, CancellationToken cancellationToken)
    {
        if (settings.Source == BatchSource.ItemList)
        {
            return;
        }

        await foreach (var _ in ListFilesAsync(settings, cancellationToken))
        {
            return;
        }

        var filters = settings.Includes.Count + settings.Excludes.Count > 0 ? " that pass includes and excludes" : "";
        throw new CortexException(BatchErrorKinds.NoFilesFound, $"there are no files{filters} at {string.Join(", ", settings.Paths)}");
    }

    /// <summary>The names of all files of a job, in the order of their processing.</summary>
    /// <exception cref="CortexException">A path can't be listed.</exception>
    public async IAsyncEnumerable<string> ListFilesAsync(BatchSettings settings, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (_, file) in Lister(settings).ListAsync(SourcePosition.Start, cancellationToken))
        {
            yield return file.Path;
        }
    }

    private FileLister Lister(BatchSettings settings) => new(settings.Paths, settings.Includes, settings.Excludes, storages);
}
