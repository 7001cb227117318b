using System.Globalization;
using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Submissions;

/// <summary>The contract's checks of a submission that need nothing but its text, in the contract's order (rules 4 to 12).</summary>
internal sealed class SubmissionRules(BatchLimits limits)
{
    // Each path is listed, and each file is held against each pattern.
    private const int MaxPaths = 1000;

    private static readonly string[] Sources = ["item_list", "file_path_lister", "delimited_files"];

    /// <summary>Checks a JSON submission.</summary>
    /// <exception cref="CortexException">The first rule that it breaks.</exception>
    public BatchSubmission Check(SubmissionDraft draft)
    {
        var (kind, field, source) = OneSource(draft);
        if (kind == BatchSource.ItemList)
        {
            CheckItems(source.Items);
        }

        var settings = Check(draft, kind, field, source.BatchSize);
        if (kind == BatchSource.ItemList)
        {
            return new(settings, source.Items);
        }

        if (source is { S3Paths.Count: > 0, Paths.Count: > 0 })
        {
            throw new CortexException(BatchErrorKinds.ConflictingFields, $"{field}s3_paths and paths mean the same; use one of them");
        }

        var paths = source.S3Paths.Count > 0 ? source.S3Paths : source.Paths;
        foreach (var (name, list) in new[] { (source.Paths.Count > 0 ? "paths" : "s3_paths", paths), ("includes", source.Includes), ("excludes", source.Excludes) })
        {
            if (list.Count > MaxPaths)
            {
                throw new CortexException(BatchErrorKinds.TooManyElements, $"{field}{name}: has {list.Count} elements; at most {MaxPaths} are allowed");
            }
        }

        return paths.Count > 0
            ? new(settings with { Paths = paths, Includes = source.Includes, Excludes = source.Excludes }, [])
            : throw new CortexException(BatchErrorKinds.TooFewElements, $"{field}s3_paths: must have at least one path");
    }

    /// <summary>Checks what a job has whatever its source (rules 7 to 11).</summary>
    /// <param name="draft">As it was written.</param>
    /// <param name="kind">The source.</param>
    /// <param name="field">The source in messages.</param>
    /// <param name="batchSize">The source's batch size.</param>
    /// <exception cref="CortexException">The first rule that it breaks.</exception>
    public BatchSettings Check(SubmissionDraft draft, BatchSource kind, string field, long batchSize) => new()
    {
        // In this order: an object's fields are set as they are written here.
        Source = kind,
        BatchSize = (int)AtLeastOne($"{field}batch_size", batchSize, int.MaxValue),
        Workers = (int)AtLeastOne("workers", draft.Workers, limits.MaxWorkers),
        Timeout = draft.Timeout is { } timeout ? AtLeastOne("timeout", timeout, (long)TimeSpan.FromDays(36_500).TotalSeconds) : null,
        DeadLetters = DeadLetters(draft),
        Config = draft.Config,
    };

    private static (BatchSource Kind, string Field, SourceDraft Source) OneSource(SubmissionDraft draft)
    {
        (BatchSource, string, SourceDraft?)[] all =
        [
            (BatchSource.ItemList, "item_list: ", draft.ItemList),
            (BatchSource.FilePathLister, "file_path_lister: ", draft.FilePathLister),
            (BatchSource.DelimitedFiles, "delimited_files: ", draft.DelimitedFiles),
        ];
        var given = all.Where(source => source.Item3 is not null).ToList();
        return given.Count switch
        {
            1 => (given[0].Item1, given[0].Item2, given[0].Item3!),
            0 => throw new CortexException(BatchErrorKinds.SpecifyExactlyOneKey, $"the job has no items: give one of {string.Join(", ", Sources)}"),
            _ => throw new CortexException(BatchErrorKinds.ConflictingFields, $"the job has several sources ({string.Join(", ", given.Select(source => source.Item2.TrimEnd(' ', ':')))}): give one of them"),
        };
    }

    private void CheckItems(IReadOnlyList<ReadOnlyMemory<byte>> items)
    {
        if (items.Count == 0)
        {
            throw new CortexException(BatchErrorKinds.TooFewElements, "item_list: items: must have at least one item");
        }

        if (items.Count > limits.MaxItems)
        {
            throw limits.TooManyItems();
        }

        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Length > limits.MaxItemBytes)
            {
                throw new CortexException(BatchErrorKinds.ItemSize, $"item_list: items: index {i}: has {items[i].Length} bytes, more than the limit of {limits.MaxItemBytes} bytes");
            }
        }
    }

    private static DeadLetterPolicy? DeadLetters(SubmissionDraft draft)
    {
        if (draft is { SqsDeadLetterQueue: not null, DeadLetterQueue: not null })
        {
            throw new CortexException(BatchErrorKinds.ConflictingFields, "sqs_dead_letter_queue and dead_letter_queue mean the same; use one of them");
        }

        if (draft.SqsDeadLetterQueue is { } sqs)
        {
            return sqs.Arn.Length > 0
                ? new(sqs.Arn, AtLeastOne("sqs_dead_letter_queue: max_receive_count", sqs.MaxReceiveCount, long.MaxValue))
                : throw new CortexException(BatchErrorKinds.CannotBeEmpty, "sqs_dead_letter_queue: arn: must not be empty; where there is no queue of Amazon's, use dead_letter_queue");
        }

        return draft.DeadLetterQueue is { } own ? new(null, AtLeastOne("dead_letter_queue: max_receive_count", own.MaxReceiveCount, long.MaxValue)) : null;
    }

    private static long AtLeastOne(string field, long value, long most)
    {
        if (value < 1)
        {
            throw new CortexException(BatchErrorKinds.GreaterThanOrEqualTo, string.Create(CultureInfo.InvariantCulture, $"{field}: must be 1 or more, not {value}"));
        }

        return value <= most
            ? value
            : throw new CortexException(BatchErrorKinds.LessThanOrEqualTo, string.Create(CultureInfo.InvariantCulture, $"{field}: must be at most {most}, not {value}"));
    }
}
