namespace Cortex.Jobs.Batch.Running;

/// <summary>What is to be done next for a batch job.</summary>
/// <param name="Status">Where it is now; final when it is over.</param>
/// <param name="Message">Why it is there or what it waits for, for people; empty when there is nothing to say.</param>
/// <param name="Ending">A decision to end it, to be kept before anything else is done; null for none, or one that is kept already.</param>
/// <param name="Actions">What to do, in any order. Each may be asked for again until the facts show it.</param>
internal sealed record BatchStep(JobStatus Status, string Message, BatchEnding? Ending, IReadOnlyList<BatchAction> Actions);

/// <summary>One thing to do for a batch job.</summary>
internal abstract record BatchAction
{
    private BatchAction()
    {
    }

    /// <summary>Begin to put its items into the queue, or go on with it.</summary>
    public sealed record Enqueue : BatchAction;

    /// <summary>Stop putting items into the queue.</summary>
    public sealed record StopEnqueuing : BatchAction;

    /// <summary>Create a worker.</summary>
    /// <param name="Place">Index of its place.</param>
    public sealed record CreateWorker(int Place) : BatchAction;

    /// <summary>Note that a worker died, and delete what is left of it.</summary>
    /// <param name="Place">Index of its place.</param>
    /// <param name="OfMemory">Whether it used more memory than its limit.</param>
    /// <param name="Reason">How it died.</param>
    public sealed record BuryWorker(int Place, bool OfMemory, string Reason) : BatchAction;

    /// <summary>Delete a worker that is not needed any more.</summary>
    /// <param name="Place">Index of its place.</param>
    public sealed record DeleteWorker(int Place) : BatchAction;

    /// <summary>Tell a worker that the job is complete.</summary>
    /// <param name="Place">Index of its place.</param>
    public sealed record TellComplete(int Place) : BatchAction;
}
