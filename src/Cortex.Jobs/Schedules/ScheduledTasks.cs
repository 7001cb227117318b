using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Tasks;

namespace Cortex.Jobs.Schedules;

/// <summary>The jobs of Task APIs.</summary>
public sealed class ScheduledTasks(TaskController tasks) : IScheduledJobs
{
    /// <inheritdoc/>
    public ApiKind Kind => ApiKind.TaskAPI;

    /// <inheritdoc/>
    public Task<JobRecord> SubmitAsync(DeployedSpec api, ReadOnlyMemory<byte> submission, DateTimeOffset scheduledAt, CancellationToken cancellationToken) =>
        tasks.SubmitAsync(api, TaskSubmission.Parse(submission) with { ScheduledAt = scheduledAt });

    /// <inheritdoc/>
    public Task StopAsync(string apiName, string jobId) => tasks.StopAsync(apiName, jobId);
}
