namespace Cortex.Cli.Commands;

/// <summary>Job status codes in words.</summary>
internal static class JobStatusText
{
    public static string Of(string code) => code switch
    {
        "enqueue_failed" => "failed while enqueuing",
        "completed_with_failures" => "completed with failures",
        "unexpected_error" => "unexpected error",
        "worker_error" => "worker error",
        "worker_oom" => "out of memory",
        "timed_out" => "timed out",
        _ => code,
    };
}
