using Cortex.Background;
using Cortex.Jobs.Loop;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch.Running;

/// <summary>Ends workers and keeps what they wrote until their end.</summary>
/// <param name="runtime">Runs them.</param>
/// <param name="logs">Where it is kept.</param>
/// <param name="options">Bounds.</param>
/// <param name="time">The clock.</param>
/// <param name="onNoLogs">Told of a worker whose logs could not be read.</param>
internal sealed class WorkerRetirement(IContainerRuntime runtime, JobLogs logs, BatchOptions options, TimeProvider time, Action<Exception, string> onNoLogs)
{
    /// <summary>Ends a worker. Returns when it is gone.</summary>
    /// <param name="pod">Its pod.</param>
    /// <param name="job">Its job; null when that is forgotten, and its logs with it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task EndAsync(PodStatus pod, JobRecord? job, CancellationToken cancellationToken)
    {
        // Followed until the end: what it writes while it is being ended is worth the most.
        using var bound = new TimeLimit(Timeout.InfiniteTimeSpan, time, cancellationToken);
        var keeping = Keeps(pod, job, out var number)
            ? logs.KeepAsync(job.ApiName, job.Id, number, runtime.ReadLogsAsync(pod.Id, new LogQuery { Follow = true }, bound.Token), bound.Token)
            : Task.CompletedTask;
        try
        {
            await runtime.DeleteAsync(pod.Id, options.Jobs.Limits.TerminationGrace, cancellationToken);
        }
        finally
        {
            bound.Restart(LogTail.Timeout);
            await WithoutLogsAsync(keeping, pod, cancellationToken);
        }
    }

    private bool Keeps(PodStatus pod, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] JobRecord? job, out int number)
    {
        number = 0;
        if (job is null or { Forget: true } || pod.State == PodState.Terminating)
        {
            return false;
        }

        number = BatchPods.LogNumber(job.Workers, BatchPods.Place(pod), BatchPods.Generation(pod));
        return logs.Has(job.ApiName, job.Id, number) || logs.Kept(job.ApiName, job.Id).Count < options.KeptLogs;
    }

    private async Task WithoutLogsAsync(Task keeping, PodStatus pod, CancellationToken cancellationToken)
    {
        try
        {
            await keeping;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            onNoLogs(exception, pod.Id);
        }
    }
}
