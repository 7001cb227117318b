using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Schedules;
using Cortex.Queues;

namespace Cortex.Jobs.Storing;

/// <summary>Every job of the cluster, and how far schedules are. A change is synced before the call that made it returns.</summary>
/// <remarks>
/// Changes that come while others are written share the next commit, so that a hundred submissions at once cost a few. A change of a job names the
/// revision that it was made from; every change names <see cref="Epoch"/>. No read looks at more rows than it gives, however long the history is.
/// All members may be called at any time from any thread. Any may throw a <see cref="StoreUnavailableException"/> or a <see cref="StoreFullException"/>;
/// unless the message says that it is unknown, nothing was changed then. Changes throw a <see cref="StaleEpochException"/> when a later epoch has
/// begun. A cancelled change may have been made.
/// </remarks>
public interface IJobStore : IAsyncDisposable
{
    /// <summary>The epoch that changes name; 0 at first, when all of them are refused.</summary>
    long Epoch { get; set; }

    /// <summary>Adds a job with everything that it needs, whatever happens to its API later.</summary>
    /// <param name="job">The job, of revision 0.</param>
    /// <param name="config">Its configuration, as JSON.</param>
    /// <param name="spec">The version of its API.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task AddAsync(JobRecord job, ReadOnlyMemory<byte> config, DeployedSpec spec, CancellationToken cancellationToken);

    /// <summary>Stores a job as it is now.</summary>
    /// <param name="job">The job, with the revision that it was made from.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The job with its new revision; null, and nothing is changed, when it has another one by now or was removed.</returns>
    Task<JobRecord?> SaveAsync(JobRecord job, CancellationToken cancellationToken);

    /// <summary>Removes the oldest ended jobs of an API that are more than are kept.</summary>
    /// <returns>Their ids.</returns>
    Task<IReadOnlyList<string>> TrimAsync(string apiName, ApiKind kind, CancellationToken cancellationToken);

    /// <summary>Removes the ended jobs of a kind that are older than they are kept.</summary>
    /// <returns>Their ids.</returns>
    Task<IReadOnlyList<string>> TrimOldAsync(ApiKind kind, CancellationToken cancellationToken);

    /// <summary>Removes the ended jobs of an API of a kind.</summary>
    /// <returns>Their ids.</returns>
    Task<IReadOnlyList<string>> RemoveEndedAsync(string apiName, ApiKind kind, CancellationToken cancellationToken);

    /// <summary>Removes one job. One that is gone is no error.</summary>
    Task RemoveAsync(string jobId, CancellationToken cancellationToken);

    /// <summary>Stores how far a schedule is.</summary>
    Task SaveScheduleAsync(ScheduleState state, CancellationToken cancellationToken);

    /// <summary>Forgets the schedule of an API.</summary>
    Task RemoveScheduleAsync(string apiName, CancellationToken cancellationToken);

    /// <summary>Every job of a kind that has not ended, newest first.</summary>
    Task<IReadOnlyList<JobRecord>> GetUnfinishedAsync(ApiKind kind, CancellationToken cancellationToken);

    /// <summary>The newest ended jobs of each of some APIs, newest first.</summary>
    /// <param name="apiNames">The APIs.</param>
    /// <param name="kind">Their kind.</param>
    /// <param name="count">At most so many of each; 1 or more.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task<IReadOnlyList<JobRecord>> GetEndedAsync(IReadOnlyCollection<string> apiNames, ApiKind kind, int count, CancellationToken cancellationToken);

    /// <summary>Those of the jobs that there are, newest first.</summary>
    Task<IReadOnlyList<JobRecord>> GetAsync(IReadOnlyCollection<string> jobIds, CancellationToken cancellationToken);

    /// <summary>Those of the ids that are jobs.</summary>
    Task<IReadOnlySet<string>> GetKnownAsync(IReadOnlyCollection<string> jobIds, CancellationToken cancellationToken);

    /// <summary>The jobs of an API that its schedule started and that have not ended, newest first.</summary>
    Task<IReadOnlyList<JobRecord>> GetUnfinishedRunsAsync(string apiName, ApiKind kind, CancellationToken cancellationToken);

    /// <summary>The job that a run of an API's schedule became; null when it became none, or when that job is not kept any more.</summary>
    Task<JobRecord?> FindRunAsync(string apiName, ApiKind kind, DateTimeOffset scheduledAt, CancellationToken cancellationToken);

    /// <summary>How far every schedule is.</summary>
    Task<IReadOnlyList<ScheduleState>> GetSchedulesAsync(CancellationToken cancellationToken);

    /// <summary>The configurations of some jobs as JSON, by id; without those of jobs that there are not.</summary>
    Task<IReadOnlyDictionary<string, byte[]>> GetConfigsAsync(IReadOnlyCollection<string> jobIds, CancellationToken cancellationToken);

    /// <summary>The version of the API that a job runs; null when no job runs it.</summary>
    Task<DeployedSpec?> GetSpecAsync(string apiId, CancellationToken cancellationToken);

    /// <summary>The newest id of all; null when there is none.</summary>
    Task<TimeId?> GetNewestIdAsync(CancellationToken cancellationToken);

    /// <summary>A job's configuration as JSON; <c>null</c> when there is no such job.</summary>
    sealed async Task<byte[]> GetConfigAsync(string jobId, CancellationToken cancellationToken) =>
        (await GetConfigsAsync([jobId], cancellationToken)).GetValueOrDefault(jobId) ?? "null"u8.ToArray();

    /// <summary>One job of an API, or null.</summary>
    sealed async Task<JobRecord?> FindAsync(string apiName, ApiKind kind, string jobId, CancellationToken cancellationToken) =>
        await GetAsync([jobId], cancellationToken) is [var job] && job.ApiName == apiName && job.Kind == kind ? job : null;
}
