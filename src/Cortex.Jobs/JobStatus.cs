namespace Cortex.Jobs;

/// <summary>Where a job is. All but the first three are final.</summary>
public enum JobStatus
{
    /// <summary>Accepted; nothing of it has begun.</summary>
    Pending,

    /// <summary>A batch job whose data is being put into its queue.</summary>
    Enqueuing,

    /// <summary>A process of it runs or has run.</summary>
    Running,

    /// <summary>Everything ended well.</summary>
    Succeeded,

    /// <summary>A batch job that is done, with batches that failed for good.</summary>
    CompletedWithFailures,

    /// <summary>The data of a batch job could not be read or queued.</summary>
    EnqueueFailed,

    /// <summary>A worker failed.</summary>
    WorkerError,

    /// <summary>A worker used more memory than its limit.</summary>
    WorkerOom,

    /// <summary>It took longer than its timeout, counted from its submission.</summary>
    TimedOut,

    /// <summary>Somebody stopped it, or its API was deleted.</summary>
    Stopped,

    /// <summary>It could not be run for a reason that is not its own.</summary>
    UnexpectedError,
}
