using System.Text.Json;

namespace Cortex.Jobs.Batch.Submissions;

/// <summary>A submission as it was written, before any check but those of types. What is null or absent keeps its zero.</summary>
internal sealed class SubmissionDraft
{
    public long Workers { get; set; }

    public long? Timeout { get; set; }

    public JsonElement? Config { get; set; }

    public DeadLetterDraft? SqsDeadLetterQueue { get; set; }

    public DeadLetterDraft? DeadLetterQueue { get; set; }

    public SourceDraft? ItemList { get; set; }

    public SourceDraft? FilePathLister { get; set; }

    public SourceDraft? DelimitedFiles { get; set; }
}

/// <summary>A dead letter queue as it was written.</summary>
internal sealed class DeadLetterDraft
{
    public string Arn { get; set; } = "";

    public long MaxReceiveCount { get; set; }
}

/// <summary>A source as it was written.</summary>
internal sealed class SourceDraft
{
    public IReadOnlyList<ReadOnlyMemory<byte>> Items { get; set; } = [];

    public IReadOnlyList<string> S3Paths { get; set; } = [];

    public IReadOnlyList<string> Paths { get; set; } = [];

    public IReadOnlyList<string> Includes { get; set; } = [];

    public IReadOnlyList<string> Excludes { get; set; } = [];

    public long BatchSize { get; set; }
}
