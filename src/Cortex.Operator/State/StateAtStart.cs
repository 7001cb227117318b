using System.Globalization;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Jobs;
using Cortex.Jobs.Schedules;
using Cortex.Jobs.Storing;
using Cortex.Operator.Access;

namespace Cortex.Operator.State;

/// <summary>What an operator reads of its state before it begins.</summary>
/// <param name="Store">The desired state, in an epoch of this operator's.</param>
/// <param name="Tokens">The tokens of containers.</param>
/// <param name="Uid">What tells this cluster's storage keys from others', in the form that Cortex 0.42 used.</param>
/// <param name="NewestId">The newest id in the history; null when there is none.</param>
/// <param name="Jobs">Every job, in the same epoch.</param>
/// <param name="UnfinishedTasks">The jobs of Task APIs that have not ended.</param>
/// <param name="UnfinishedBatches">The jobs of Batch APIs that have not ended.</param>
/// <param name="Schedules">How far schedules are.</param>
/// <param name="NewestJobId">The newest id of a job; null when there is none.</param>
internal sealed record StateAtStart(
    IApiStore Store, ApiTokens Tokens, string Uid, TimeId? NewestId,
    IJobStore Jobs, IReadOnlyList<JobRecord> UnfinishedTasks, IReadOnlyList<JobRecord> UnfinishedBatches, IReadOnlyList<ScheduleState> Schedules, TimeId? NewestJobId)
{
    /// <summary>Begins an epoch and reads.</summary>
    public static async Task<StateAtStart> ReadAsync(IApiStore store, IJobStore jobs, TimeProvider time, CancellationToken cancellationToken)
    {
        jobs.Epoch = await store.AdvanceEpochAsync(cancellationToken);
        return new StateAtStart(
            store,
            await ApiTokens.OpenAsync(store, cancellationToken),
            await store.GetOrAddSettingAsync("cluster_uid", () => time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), cancellationToken),
            await store.GetNewestIdAsync(cancellationToken),
            jobs,
            await jobs.GetUnfinishedAsync(ApiKind.TaskAPI, cancellationToken),
            await jobs.GetUnfinishedAsync(ApiKind.BatchAPI, cancellationToken),
            await jobs.GetSchedulesAsync(cancellationToken),
            await jobs.GetNewestIdAsync(cancellationToken));
    }
}
