namespace Cortex.Jobs.Batch.Submissions;

/// <summary>A submission of the right types, of which nothing else is known yet.</summary>
public sealed class UncheckedSubmission
{
    internal UncheckedSubmission(SubmissionDraft draft) => Draft = draft;

    internal SubmissionDraft Draft { get; }
}
