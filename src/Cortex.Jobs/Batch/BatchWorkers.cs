using Cortex.Jobs.Batch.Running;

namespace Cortex.Jobs.Batch;

/// <summary>The workers of a batch job by the numbers under which their logs are kept.</summary>
public static class BatchWorkers
{
    /// <summary>The id of the pod of a worker that has or had this number, see <see cref="BatchController.LogNumber"/>.</summary>
    public static string PodId(JobRecord job, int logNumber)
    {
        ArgumentNullException.ThrowIfNull(job);
        return BatchPods.PodId(job, (logNumber - 1) % job.Workers, ((logNumber - 1) / job.Workers) + 1);
    }
}
