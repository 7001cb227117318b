using System.Text;
using Cortex.Core.Specs;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Jobs.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Jobs.Tests;

public sealed class JobStoreTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-jobs-").FullName;
    private readonly ManualTime _time = new();
    private JobStore? _store;

    private JobStore Store => _store ??= new JobStore(new JobStoreOptions { Path = Path.Combine(_folder, "jobs.db"), History = 2, HistoryAge = TimeSpan.FromDays(1) }, _time, NullLogger<JobStore>.Instance);

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
        await Store.AddAsync(Some.Job(), "{\"k\":1}"u8.ToArray(), Some.Api(), CancellationToken.None);
        await Store.SaveAsync(job, CancellationToken.None);
        await ReopenAsync();

        var found = Assert.Single(Store.Unfinished(ApiKind.TaskAPI));
        Assert.Equal(job with { LastLogLines = found.LastLogLines }, found);
        Assert.Equal(["a", "b"], found.LastLogLines);
        Assert.Equal("{\"k\":1}", Encoding.UTF8.GetString(Store.Config(job.Id)!));
        Assert.Equal("app:1", Store.Spec(job.ApiId)!.Pod!.Containers[0].Image);
        Assert.Equal(job.Id, Store.NewestId().ToString());
    }

    [Fact]
    public async Task Change_ThatCannotBeMade_FailsAloneAndTheWriterGoesOn()
    {
        // A number that JSON has no word for: an error of another kind than SQLite's.
        var bad = Some.Job("2") with { Batch = new BatchPart { Settings = new BatchSettings { Workers = 1, BatchSize = 1, Source = BatchSource.ItemList }, Queue = "q", Seconds = double.NaN } };
        await Store.AddAsync(Some.Job("1"), "null"u8.ToArray(), Some.Api(), CancellationToken.None);

        var failing = Store.SaveAsync(bad, CancellationToken.None);
        var others = Enumerable.Range(3, 20).Select(id => Store.AddAsync(Some.Job($"{id}"), "null"u8.ToArray(), Some.Api(), CancellationToken.None)).ToList();

        await Assert.ThrowsAnyAsync<Exception>(() => failing.WaitAsync(TimeSpan.FromSeconds(30)));
        await Task.WhenAll(others).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(21, Store.Unfinished(ApiKind.TaskAPI).Count);
    }

    [Fact]
    public async Task Read_WhileAChangeIsWritten_DoesNotWait()
    {
        await Store.AddAsync(Some.Job("1"), "null"u8.ToArray(), Some.Api(), CancellationToken.None);
        await using var other = new SqliteConnection($"Data Source={Path.Combine(_folder, "jobs.db")};Pooling=False");
        await other.OpenAsync();
        await using (var transaction = await other.BeginTransactionAsync())
        {
            // The writer waits for the lock of this one, as it would for a slow disk.
            var writing = Store.AddAsync(Some.Job("2"), "null"u8.ToArray(), Some.Api(), CancellationToken.None);
            var job = await Task.Run(() => Store.Find("train", ApiKind.TaskAPI, "1")).WaitAsync(TimeSpan.FromSeconds(3));

            Assert.NotNull(job);
            Assert.False(writing.IsCompleted);
            await transaction.RollbackAsync();
            await writing.WaitAsync(TimeSpan.FromSeconds(30));
        }

        Assert.NotNull(Store.Find("train", ApiKind.TaskAPI, "2"));
    }

    [Fact]
    public async Task Read_Minimal_HasTheDefaults()
    {
        await Store.AddAsync(Some.Job(), "null"u8.ToArray(), Some.Api(), CancellationToken.None);
        await ReopenAsync();

        var found = Store.Find("train", ApiKind.TaskAPI, Some.Job().Id)!;
        Assert.Equal(Some.Job() with { LastLogLines = found.LastLogLines }, found);
        Assert.Empty(found.LastLogLines);
    }

    [Fact]
    public async Task Find_OtherApiOrKind_IsNull()
    {
        await Store.AddAsync(Some.Job(), "null"u8.ToArray(), Some.Api(), CancellationToken.None);

        Assert.Null(Store.Find("other", ApiKind.TaskAPI, Some.Job().Id));
        Assert.Null(Store.Find("train", ApiKind.BatchAPI, Some.Job().Id));
        Assert.Empty(Store.Unfinished(ApiKind.BatchAPI));
    }

    [Fact]
    public async Task Trim_RemovesTooManyPerApiAndTooOld()
    {
        var now = _time.GetUtcNow();
        foreach (var (id, api, endedAgo) in new[] { ("1", "a", 1), ("2", "a", 2), ("3", "a", 3), ("4", "b", 30), ("5", "b", 1) })
        {
            await Store.AddAsync(Some.Job(id, api), "null"u8.ToArray(), Some.Api(api), CancellationToken.None);
            await Store.SaveAsync(Some.Job(id, api) with { Status = JobStatus.Succeeded, EndedAt = now.AddHours(-endedAgo) }, CancellationToken.None);
        }

        await Store.AddAsync(Some.Job("9", "a"), "null"u8.ToArray(), Some.Api("a"), CancellationToken.None);

        Assert.Equal(["3"], await Store.TrimAsync("a", ApiKind.TaskAPI, CancellationToken.None));
        Assert.Empty(await Store.TrimAsync("b", ApiKind.TaskAPI, CancellationToken.None));
        Assert.Equal(["4"], await Store.TrimOldAsync(ApiKind.TaskAPI, CancellationToken.None));
        Assert.Equal(["1", "2"], Store.Ended("a", ApiKind.TaskAPI, 10).Select(job => job.Id));
        Assert.Equal(["9"], Store.Unfinished(ApiKind.TaskAPI).Select(job => job.Id));
        Assert.Null(Store.Config("4"));
    }

    [Fact]
    public async Task Remove_LastJobOfAVersion_ForgetsTheVersion()
    {
        await Store.AddAsync(Some.Job("1"), "null"u8.ToArray(), Some.Api(), CancellationToken.None);
        await Store.SaveAsync(Some.Job("1") with { Status = JobStatus.Stopped, EndedAt = _time.GetUtcNow() }, CancellationToken.None);

        Assert.Equal(["1"], await Store.RemoveEndedAsync("train", ApiKind.TaskAPI, CancellationToken.None));
        Assert.Null(Store.Spec("train--1"));
        Assert.False(Store.Contains("1"));
    }

    [Fact]
    public async Task Save_RemovedJob_StaysRemoved()
    {
        await Store.AddAsync(Some.Job(), "null"u8.ToArray(), Some.Api(), CancellationToken.None);
        await Store.RemoveAsync(Some.Job().Id, CancellationToken.None);

        await Store.SaveAsync(Some.Job(), CancellationToken.None);

        Assert.False(Store.Contains(Some.Job().Id));
    }

    [Fact]
    public async Task Add_ManyAtOnce_AllAreStored()
    {
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => Store.AddAsync(Some.Job($"{i:x16}"), "null"u8.ToArray(), Some.Api(), CancellationToken.None)));
        await ReopenAsync();

        Assert.Equal(1000, Store.Unfinished(ApiKind.TaskAPI).Count);
    }

    [Fact]
    public async Task Open_NoDatabase_SaysWhatToDo()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "jobs.db"), new string('x', 5000), TestContext.Current.CancellationToken);

        Assert.Contains("move it away", Assert.Throws<InvalidDataException>(() => Store).Message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        _store = null;
    }
}
