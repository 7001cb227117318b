using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Batch;

namespace Cortex.Jobs.Schedules;

/// <summary>The jobs of Batch APIs.</summary>
public sealed class ScheduledBatches(BatchController batches) : IScheduledJobs
{
    /// <inheritdoc/>
    public ApiKind Kind => ApiKind.BatchAPI;

    /// <inheritdoc/>
    public Task<JobRecord> SubmitAsync(DeployedSpec api, ReadOnlyMemory<byte> submission, DateTimeOffset scheduledAt, CancellationToken cancellationToken) =>
        batches.SubmitAsync(api, batches.Submissions.Read(submission) with { ScheduledAt = scheduledAt }, cancellationToken);

    /// <inheritdoc/>
    public Task StopAsync(string apiName, string jobId) => batches.StopAsync(apiName, jobId);
}
