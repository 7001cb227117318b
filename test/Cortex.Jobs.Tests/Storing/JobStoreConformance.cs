using System.Globalization;
using System.Text;
using Cortex.Core.Specs;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Jobs.Schedules;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tests.Support;
using Cortex.Queues;

namespace Cortex.Jobs.Tests.Storing;

/// <summary>What a store of jobs must do in every database. One subclass per database.</summary>
public abstract class JobStoreConformance : IAsyncLifetime
{
    private static readonly ClusterIdentity Ours = new("ours", "cortex on host-1");

    private readonly ManualTime _time = new();
    private readonly List<IJobStore> _opened = [];

    private protected ManualTime Time => _time;

    protected IJobStore Store { get; private set; } = null!;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Where the database is: what another process needs to open it.</summary>
    protected abstract string Database { get; }

    public async ValueTask InitializeAsync()
    {
        await PrepareAsync();
        Store = await OpenAsync();
        Store.Epoch = 1;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _opened)
        {
            await store.DisposeAsync();
        }

        await CleanUpAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Makes an empty database, or takes that of <see cref="WriterProcess.Current"/>.</summary>
    protected abstract ValueTask PrepareAsync();

    /// <summary>Another store on the same database, as another process would open it.</summary>
    protected abstract ValueTask<IJobStore> OpenStoreAsync(JobStoreOptions options);

    /// <summary>Makes the tables look as if a newer version had written them.</summary>
    protected abstract ValueTask MakeNewerAsync();

    /// <summary>What the database would do for a statement, and what it must not: read tables of jobs without an index.</summary>
    protected abstract ValueTask<(string Plan, bool Scans)> ExplainAsync(string sql);

    /// <summary>Removes the database.</summary>
    protected abstract ValueTask CleanUpAsync();

    [Fact]
    public async Task Save_EveryField_IsThereAfterARestart()
    {
        var job = Some.Job() with
        {
            Timeout = 60,
            Priority = 3,
            MaxAttempts = 5,
            Attempt = 2,
            Status = JobStatus.Running,
            StartedAt = Some.Start.AddSeconds(1.2345678),
            NotBefore = Some.Start.AddSeconds(2),
            Ending = new JobEnding(JobStatus.TimedOut, Some.Start.AddSeconds(3), "time is up"),
            Message = "why",
            ExitCode = 0,
            LastLogLines = ["a", "b"],
            Forget = true,
        };
        await Store.AddAsync(Some.Job(), "{\"k\":1}"u8.ToArray(), Some.Api(), Cancel);
        var saved = await Store.SaveAsync(job, Cancel);
        Assert.Equal(job with { Revision = 1 }, saved);

        var again = await OpenAsync();
        var found = Assert.Single(await again.GetUnfinishedAsync(ApiKind.TaskAPI, Cancel));
        Assert.Equal(saved! with { LastLogLines = found.LastLogLines }, found);
        Assert.Equal(["a", "b"], found.LastLogLines);
        Assert.Equal("{\"k\":1}", Encoding.UTF8.GetString(await again.GetConfigAsync(job.Id, Cancel)));
        Assert.Equal("app:1", (await again.GetSpecAsync(job.ApiId, Cancel))!.Pod!.Containers[0].Image);
        Assert.Equal(job.Id, (await again.GetNewestIdAsync(Cancel)).ToString());
    }

    [Fact]
    public async Task Reads_NothingStored_GiveNothing()
    {
        Assert.Empty(await Store.GetUnfinishedAsync(ApiKind.TaskAPI, Cancel));
        Assert.Empty(await Store.GetEndedAsync(["train"], ApiKind.TaskAPI, 10, Cancel));
        Assert.Empty(await Store.GetEndedAsync([], ApiKind.TaskAPI, 10, Cancel));
        Assert.Empty(await Store.GetSchedulesAsync(Cancel));
        Assert.Null(await Store.FindAsync("train", ApiKind.TaskAPI, "1", Cancel));
        Assert.Null(await Store.GetNewestIdAsync(Cancel));
        Assert.Null(await Store.GetSpecAsync("1", Cancel));
        Assert.Equal("null", Encoding.UTF8.GetString(await Store.GetConfigAsync("1", Cancel)));
    }

    [Fact]
    public async Task Save_OfAnotherRevision_ChangesNothing()
    {
        await AddAsync("1");
        var first = (await Store.SaveAsync(Some.Job("1") with { Message = "first" }, Cancel))!;

        Assert.Null(await Store.SaveAsync(Some.Job("1") with { Message = "second" }, Cancel));
        Assert.Equal("first", (await Store.FindAsync("train", ApiKind.TaskAPI, "1", Cancel))!.Message);
        Assert.Equal(2, (await Store.SaveAsync(first, Cancel))!.Revision);
    }

    [Fact]
    public async Task Save_TwoAtOnceFromTheSameRevision_OneWins()
    {
        await AddAsync("1");
        var other = await OpenAsync();
        other.Epoch = 1;
        for (var revision = 0; revision < 10; revision++)
        {
            var saved = await Task.WhenAll(new[] { Store, other }.Select(store => store.SaveAsync(Some.Job("1") with { Revision = revision }, Cancel)));
            Assert.Single(saved, job => job is not null);
        }
    }

    [Fact]
    public async Task Save_RemovedJob_StaysRemoved()
    {
        await AddAsync("1");
        await Store.RemoveAsync("1", Cancel);

        Assert.Null(await Store.SaveAsync(Some.Job("1"), Cancel));
        Assert.Empty(await Store.GetKnownAsync(["1"], Cancel));
        await Store.RemoveAsync("1", Cancel);
    }

    [Fact]
    public async Task Change_ThatCannotBeMade_FailsAloneAndTheWriterGoesOn()
    {
        // A number that JSON has no word for, and a job that is there already.
        var bad = Some.Job("2") with { Batch = new BatchPart { Settings = new BatchSettings { Workers = 1, BatchSize = 1, Source = BatchSource.ItemList }, Queue = "q", Seconds = double.NaN } };
        await AddAsync("1");

        var failing = Store.SaveAsync(bad, Cancel);
        var doubled = AddAsync("1");
        var others = Enumerable.Range(3, 20).Select(id => AddAsync($"{id}")).ToList();

        await Assert.ThrowsAnyAsync<Exception>(() => failing.WithinLimit());
        await Assert.ThrowsAnyAsync<Exception>(() => doubled.WithinLimit());
        await Task.WhenAll(others).WithinLimit();
        Assert.Equal(21, (await Store.GetUnfinishedAsync(ApiKind.TaskAPI, Cancel)).Count);
    }

    [Fact]
    public async Task Read_Minimal_HasTheDefaults()
    {
        await AddAsync(Some.Job().Id);

        var found = (await (await OpenAsync()).FindAsync("train", ApiKind.TaskAPI, Some.Job().Id, Cancel))!;
        Assert.Equal(Some.Job() with { LastLogLines = found.LastLogLines }, found);
        Assert.Empty(found.LastLogLines);
    }

    [Fact]
    public async Task Find_OtherApiOrKind_IsNull()
    {
        await AddAsync("1");

        Assert.Null(await Store.FindAsync("other", ApiKind.TaskAPI, "1", Cancel));
        Assert.Null(await Store.FindAsync("train", ApiKind.BatchAPI, "1", Cancel));
        Assert.Empty(await Store.GetUnfinishedAsync(ApiKind.BatchAPI, Cancel));
    }

    [Fact]
    public async Task Ended_OfSeveralApis_AreTheNewestOfEachNewestFirst()
    {
        foreach (var (id, api) in new[] { ("5", "a"), ("3", "a"), ("1", "a"), ("4", "b"), ("2", "c") })
        {
            await AddAsync(id, api);
            await EndAsync(id, api);
        }

        await AddAsync("0", "a");

        Assert.Equal(["1", "3", "4"], (await Store.GetEndedAsync(["a", "b", "none"], ApiKind.TaskAPI, 2, Cancel)).Select(job => job.Id));
        Assert.Equal(["1"], (await Store.GetEndedAsync(["a"], ApiKind.TaskAPI, 1, Cancel)).Select(job => job.Id));
        Assert.Empty(await Store.GetEndedAsync(["a"], ApiKind.BatchAPI, 10, Cancel));
        Assert.Equal(["0", "4"], (await Store.GetKnownAsync(["0", "4", "9"], Cancel)).Order());
        Assert.Equal(2, (await Store.GetConfigsAsync(["0", "4", "9"], Cancel)).Count);
    }

    [Fact]
    public async Task Trim_RemovesTooManyPerApiAndTooOld()
    {
        foreach (var (id, api, endedAgo) in new[] { ("1", "a", 1), ("2", "a", 2), ("3", "a", 3), ("4", "b", 30), ("5", "b", 1) })
        {
            await AddAsync(id, api);
            await EndAsync(id, api, _time.GetUtcNow().AddHours(-endedAgo));
        }

        await AddAsync("9", "a");

        Assert.Equal(["3"], await Store.TrimAsync("a", ApiKind.TaskAPI, Cancel));
        Assert.Empty(await Store.TrimAsync("b", ApiKind.TaskAPI, Cancel));
        Assert.Equal(["4"], await Store.TrimOldAsync(ApiKind.TaskAPI, Cancel));
        Assert.Equal(["1", "2"], (await Store.GetEndedAsync(["a"], ApiKind.TaskAPI, 10, Cancel)).Select(job => job.Id));
        Assert.Equal(["9"], (await Store.GetUnfinishedAsync(ApiKind.TaskAPI, Cancel)).Select(job => job.Id));
        Assert.Empty(await Store.GetConfigsAsync(["4"], Cancel));
    }

    [Fact]
    public async Task Remove_LastJobOfAVersion_ForgetsTheVersion()
    {
        await AddAsync("1");
        await AddAsync("2");
        await EndAsync("1");

        Assert.Equal(["1"], await Store.RemoveEndedAsync("train", ApiKind.TaskAPI, Cancel));
        Assert.NotNull(await Store.GetSpecAsync(Some.Job().ApiId, Cancel));
        await Store.RemoveAsync("2", Cancel);
        Assert.Null(await Store.GetSpecAsync(Some.Job().ApiId, Cancel));
    }

    [Fact]
    public async Task Runs_OfASchedule_AreFoundByTheirTime()
    {
        await Store.AddAsync(Some.Job("1") with { ScheduledAt = Some.Start }, "null"u8.ToArray(), Some.Api(), Cancel);
        await Store.AddAsync(Some.Job("2") with { ScheduledAt = Some.Start.AddHours(1) }, "null"u8.ToArray(), Some.Api(), Cancel);
        await AddAsync("3");
        await EndAsync("2", scheduledAt: Some.Start.AddHours(1));

        Assert.Equal(["1"], (await Store.GetUnfinishedRunsAsync("train", ApiKind.TaskAPI, Cancel)).Select(job => job.Id));
        Assert.Equal("2", (await Store.FindRunAsync("train", ApiKind.TaskAPI, Some.Start.AddHours(1), Cancel))!.Id);
        Assert.Null(await Store.FindRunAsync("train", ApiKind.TaskAPI, Some.Start.AddHours(2), Cancel));
        Assert.Null(await Store.FindRunAsync("train", ApiKind.BatchAPI, Some.Start, Cancel));
    }

    [Fact]
    public async Task Schedules_SavedAndRemoved_AreThoseOfAnotherProcess()
    {
        var state = new ScheduleState { ApiName = "train", DeployedAt = 1, Cron = "* * * * *", TimeZone = "UTC", DecidedUntil = Some.Start };
        await Store.SaveScheduleAsync(state with { ApiName = "other" }, Cancel);
        await Store.SaveScheduleAsync(state, Cancel);
        await Store.SaveScheduleAsync(state with { DeployedAt = 2 }, Cancel);
        await Store.RemoveScheduleAsync("other", Cancel);

        Assert.Equal([state with { DeployedAt = 2 }], await (await OpenAsync()).GetSchedulesAsync(Cancel));
    }

    [Fact]
    public async Task Add_ManyAtOnce_AllAreStored()
    {
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => AddAsync($"{i:x16}")));

        Assert.Equal(1000, (await (await OpenAsync()).GetUnfinishedAsync(ApiKind.TaskAPI, Cancel)).Count);
    }

    [Fact]
    public async Task Changes_OfAnEarlierEpochOrNone_AreRefused()
    {
        await AddAsync("1");
        var leader = await OpenAsync();
        await Assert.ThrowsAsync<StaleEpochException>(() => leader.SaveAsync(Some.Job("1"), Cancel));
        await BeginEpochAsync(leader);

        await Assert.ThrowsAsync<StaleEpochException>(() => Store.SaveAsync(Some.Job("1"), Cancel));
        await Assert.ThrowsAsync<StaleEpochException>(() => AddAsync("2"));
        await Assert.ThrowsAsync<StaleEpochException>(() => Store.RemoveAsync("1", Cancel));
        await Assert.ThrowsAsync<StaleEpochException>(() => Store.RemoveScheduleAsync("train", Cancel));

        Assert.Equal(0, (await Store.FindAsync("train", ApiKind.TaskAPI, "1", Cancel))!.Revision);
        Assert.NotNull(await leader.SaveAsync(Some.Job("1"), Cancel));
    }

    [Fact]
    public async Task Open_OfAnotherCluster_IsRefusedWithWhatToDo()
    {
        await OpenAsync(Ours);

        var refused = await Assert.ThrowsAsync<StoreOwnedException>(async () => await OpenAsync(new ClusterIdentity("theirs", "cortex on host-2")));

        Assert.Contains("cortex on host-1", refused.Message, StringComparison.Ordinal);
        await OpenAsync(Ours);
        await OpenAsync(new ClusterIdentity("theirs", "cortex on host-2", Adopt: "ours"));
    }

    [Fact]
    public async Task Open_TablesOfANewerVersion_IsRefused()
    {
        await MakeNewerAsync();

        var refused = await Assert.ThrowsAsync<InvalidDataException>(async () => await OpenAsync());

        Assert.Contains("newer version", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public Task Process_KilledWhileItWrites_LosesNothingThatWasAcknowledged() => WriterProcess.Current is { } writer ? WriteForEverAsync(writer) : KillWriterAsync();

    /// <summary>However long the history is: no statement reads a table without an index, or sorts what it has read.</summary>
    [Fact]
    public async Task Reads_Each_GoByAnIndex()
    {
        var store = (JobStore)Store;
        foreach (var sql in new[]
        {
            JobStore.SelectUnfinished, JobStore.SelectUnfinishedRuns, JobStore.SelectRun, JobStore.SelectSpec, JobStore.SelectNewest, JobStore.SelectTooMany, JobStore.SelectTooOld,
            JobStore.SelectEndedOf, JobStore.SelectOne, store.SelectEnded, store.SelectJobs, store.SelectKnown, store.SelectConfigs,
        })
        {
            var (plan, scans) = await ExplainAsync(sql);
            Assert.False(scans, $"{sql}\n{plan}");
        }
    }

    /// <summary>Begins a new epoch in the database, which the store then names.</summary>
    protected abstract ValueTask BeginEpochAsync(IJobStore store);

    protected async ValueTask<IJobStore> OpenAsync(ClusterIdentity? cluster = null)
    {
        var store = await OpenStoreAsync(new JobStoreOptions { Cluster = cluster, History = 2, HistoryAge = TimeSpan.FromDays(1) });
        _opened.Add(store);
        return store;
    }

    private protected Task AddAsync(string id, string api = "train") => Store.AddAsync(Some.Job(id, api), "null"u8.ToArray(), Some.Api(api), Cancel);

    private async Task EndAsync(string id, string api = "train", DateTimeOffset? at = null, DateTimeOffset? scheduledAt = null) => Assert.NotNull(
        await Store.SaveAsync(Some.Job(id, api) with { Status = JobStatus.Succeeded, ScheduledAt = scheduledAt, EndedAt = at ?? _time.GetUtcNow() }, Cancel));

    private async Task KillWriterAsync()
    {
        using var writer = WriterProcess.Start(GetType(), nameof(Process_KilledWhileItWrites_LosesNothingThatWasAcknowledged), Database);
        await Eventually.TrueAsync(() => writer.Acknowledged().Count > 200, "it has written");

        var acknowledged = (await writer.KillAsync()).Select(line => line.Split(' ')).ToList();

        var jobs = (await (await OpenAsync()).GetUnfinishedAsync(ApiKind.TaskAPI, Cancel)).ToDictionary(job => job.Id);
        Assert.All(acknowledged, line => Assert.True(jobs[line[0]].Revision >= long.Parse(line[1], CultureInfo.InvariantCulture)));
        Assert.Equal(jobs.Count, (await Store.GetConfigsAsync([.. jobs.Keys], Cancel)).Count);
    }

    private async Task WriteForEverAsync(WriterProcess writer)
    {
        for (var i = 0; ; i++)
        {
            var id = $"{i:x16}";
            await AddAsync(id);
            writer.Acknowledge($"{id} 0");
            await Store.SaveAsync(Some.Job(id) with { Status = JobStatus.Running }, Cancel);
            writer.Acknowledge($"{id} 1");
        }
    }
}
