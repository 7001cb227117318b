using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Schedules;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tasks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Jobs.Tests.Support;

/// <summary>A store of jobs in a file, and reads that a test's condition waits for.</summary>
internal static class Waiting
{
    public static IJobStore Open(string folder, TimeProvider time, int history = 100)
    {
        var store = JobStore.OpenFile(Path.Combine(folder, "jobs.db"), new JobStoreOptions { History = history }, time, NullLogger<JobStore>.Instance);
        store.Epoch = 1;
        return store;
    }

    public static IReadOnlyList<JobRecord> Unfinished(this IJobStore store, ApiKind kind) => Wait(store.GetUnfinishedAsync(kind, CancellationToken.None));

    public static IReadOnlyList<JobRecord> Ended(this IJobStore store, string apiName, ApiKind kind, int count) => Wait(store.GetEndedAsync([apiName], kind, count, CancellationToken.None));

    public static JobRecord? Find(this IJobStore store, string apiName, ApiKind kind, string jobId) => Wait(store.FindAsync(apiName, kind, jobId, CancellationToken.None));

    public static bool Contains(this IJobStore store, string jobId) => Wait(store.GetKnownAsync([jobId], CancellationToken.None)).Count > 0;

    public static IReadOnlyList<ScheduleState> Schedules(this IJobStore store) => Wait(store.GetSchedulesAsync(CancellationToken.None));

    public static byte[] Config(this IJobStore store, string jobId) => Wait(store.GetConfigAsync(jobId, CancellationToken.None));

    public static DeployedSpec? Spec(this IJobStore store, string apiId) => Wait(store.GetSpecAsync(apiId, CancellationToken.None));

    public static TimeId? NewestId(this IJobStore store) => Wait(store.GetNewestIdAsync(CancellationToken.None));

    public static JobView? Find(this TaskController tasks, string apiName, string jobId) => Wait(tasks.FindAsync(apiName, jobId, CancellationToken.None));

    public static IReadOnlyList<JobView> List(this TaskController tasks, string apiName, int count) => [.. Wait(tasks.ListAsync([apiName], count, CancellationToken.None))[apiName]];

    public static JobView? Find(this BatchController batches, string apiName, string jobId) => Wait(batches.FindAsync(apiName, jobId, CancellationToken.None));

    public static IReadOnlyList<JobView> List(this BatchController batches, string apiName, int count) => [.. Wait(batches.ListAsync([apiName], count, CancellationToken.None))[apiName]];

    public static ScheduleView? Find(this Scheduler scheduler, DeployedSpec api) => Wait(scheduler.FindAsync([api], CancellationToken.None)).GetValueOrDefault(api.Name);

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
