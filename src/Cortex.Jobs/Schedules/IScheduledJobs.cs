using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Jobs.Schedules;

/// <summary>Submits and stops the jobs of one kind of API, for their schedules.</summary>
public interface IScheduledJobs
{
    /// <summary>The kind.</summary>
    ApiKind Kind { get; }

    /// <summary>Submits a job whose <see cref="JobRecord.ScheduledAt"/> is <paramref name="scheduledAt"/>.</summary>
    /// <param name="api">The version that it runs.</param>
    /// <param name="submission">The body of the submission, a JSON object.</param>
    /// <param name="scheduledAt">The time of the run.</param>
    /// <param name="cancellationToken">Gives up before it is accepted.</param>
    /// <exception cref="CortexException">It is refused.</exception>
    Task<JobRecord> SubmitAsync(DeployedSpec api, ReadOnlyMemory<byte> submission, DateTimeOffset scheduledAt, CancellationToken cancellationToken);

    /// <summary>Decides to end a job.</summary>
    /// <exception cref="CortexException">It has ended.</exception>
    Task StopAsync(string apiName, string jobId);
}
