using System.Text.Json;

namespace Cortex.Jobs.Batch.Submissions;

/// <summary>What a batch job was asked to do, but for the items that came with it.</summary>
public sealed record BatchSettings
{
    /// <summary>How many workers; 1 and more.</summary>
    public required int Workers { get; init; }

    /// <summary>Seconds from submission to the end at the latest; null for no bound, else 1 and more.</summary>
    public long? Timeout { get; init; }

    /// <summary>A JSON object for the job's containers, as it was sent; null for none.</summary>
    public JsonElement? Config { get; init; }

    /// <summary>How often a batch is tried and where it is kept then; null for once and nowhere.</summary>
    public DeadLetterPolicy? DeadLetters { get; init; }

    /// <summary>Where the items come from.</summary>
    public required BatchSource Source { get; init; }

    /// <summary>Items of one batch; 1 and more. Only the last batch has fewer.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Paths of the files, all that begin with each of them; empty for items that came with the submission.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>A file must match one of these patterns; empty for all files.</summary>
    public IReadOnlyList<string> Includes { get; init; } = [];

    /// <summary>A file must match none of these patterns.</summary>
    public IReadOnlyList<string> Excludes { get; init; } = [];
}

/// <summary>Where the items of a batch job come from.</summary>
public enum BatchSource
{
    /// <summary>They came with the submission.</summary>
    ItemList,

    /// <summary>They are the names of files.</summary>
    FilePathLister,

    /// <summary>They are the JSON values in files.</summary>
    DelimitedFiles,
}

/// <summary>What happens to batches that fail.</summary>
/// <param name="Arn">The name that <c>sqs_dead_letter_queue</c> gave it; null when it came as <c>dead_letter_queue</c>. It has no effect.</param>
/// <param name="MaxReceiveCount">A batch is tried so often; 1 and more. Then it is kept with the reason.</param>
public sealed record DeadLetterPolicy(string? Arn, long MaxReceiveCount);
