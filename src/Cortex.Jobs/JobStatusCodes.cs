namespace Cortex.Jobs;

/// <summary>How statuses are written on the wire, and which of them are final.</summary>
public static class JobStatusCodes
{
    /// <summary>The code that clients see, such as <c>worker_error</c>.</summary>
    public static string Code(this JobStatus status) => status switch
    {
        JobStatus.Pending => "pending",
        JobStatus.Enqueuing => "enqueuing",
        JobStatus.Running => "running",
        JobStatus.Succeeded => "succeeded",
        JobStatus.CompletedWithFailures => "completed_with_failures",
        JobStatus.EnqueueFailed => "enqueue_failed",
        JobStatus.WorkerError => "worker_error",
        JobStatus.WorkerOom => "worker_oom",
        JobStatus.TimedOut => "timed_out",
        JobStatus.Stopped => "stopped",
        _ => "unexpected_error",
    };

    /// <summary>Whether a job of this status has ended.</summary>
    public static bool IsFinal(this JobStatus status) => status is not (JobStatus.Pending or JobStatus.Enqueuing or JobStatus.Running);
}
