using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Tests.Batch.Support;
using Cortex.Jobs.Tests.Support;
using Cortex.Queues;

namespace Cortex.Jobs.Tests.Batch;

/// <summary>The server is killed in the middle of jobs.</summary>
public sealed class BatchRecoveryTests(ITestOutputHelper output) : IAsyncDisposable
{
    private readonly BatchHost _host = new();
    private readonly ConcurrentDictionary<int, int> _tries = new();
    private int _told;

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Kill_AfterEachOfManyBatches_CountsEveryBatchOnceAndKeepsItsWorkers()
    {
        const int total = 300;
        var random = new Random(7);
        var due = new SemaphoreSlim(0);
        var ends = 0;
        var next = 5;
        Work(item => item % 10 == 3 ? 500 : 200);
        _host.OnStart = store => store.OnEnded = () =>
        {
            // Batches of the process before may end meanwhile, so that a number is passed by unseen.
            if (Interlocked.Increment(ref ends) >= Volatile.Read(ref next) && Interlocked.Exchange(ref next, int.MaxValue) < int.MaxValue)
            {
                store.Kill();   // the batch has ended, and nobody was told
                due.Release();
            }
        };
        await _host.StartAsync();
        var job = await _host.SubmitItemsAsync(total, workers: 3);

        for (var kill = 0; kill < 12; kill++)
        {
            Assert.True(await due.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), $"kill {kill}: {_host.Jobs.Find("score", job.Id)}");
            await _host.KillAsync();
            // One write ends up to three batches, one of each worker: all kills come before the job has ended.
            Volatile.Write(ref next, Volatile.Read(ref ends) + random.Next(1, 6));
            await _host.StartAsync();
        }

        Volatile.Write(ref next, int.MaxValue);
        var ended = await _host.StatusAsync(job, JobStatus.CompletedWithFailures);
        Assert.Equal((total, total * 9L / 10, total / 10L), (ended.Batch!.TotalBatches, ended.Batch.Succeeded, ended.Batch.Failed));
        Assert.Equal(Enumerable.Range(0, total), _tries.Keys.Order());
        Assert.Equal(3, _host.Machine.Created.Count);
        Assert.Equal(total / 10, (await _host.Jobs.DeadLettersAsync("score", job.Id, 1000, null, TestContext.Current.CancellationToken)).Batches.Count);
    }

    [Fact]
    public async Task Kill_AfterEachWriteOfBatches_EnqueuesNoneTwice()
    {
        var due = new SemaphoreSlim(0);
        Work(_ => 200);
        _host.Enqueue = new EnqueueOptions { ChunkBatches = 10 };
        _host.OnStart = store => store.OnEnqueued = () =>
        {
            store.Kill();
            due.Release();
        };
        await _host.StartAsync();
        var job = await _host.SubmitItemsAsync(95, workers: 2);

        for (var chunk = 0; chunk < 10; chunk++)
        {
            Assert.True(await due.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
            await _host.KillAsync();
            await _host.StartAsync();
        }

        var ended = await _host.StatusAsync(job, JobStatus.Succeeded);
        Assert.Equal((95L, 95L), (ended.Batch!.TotalBatches, ended.Batch.Succeeded));
        Assert.Equal(Enumerable.Range(0, 95).Select(item => (item, 1)), _tries.OrderBy(item => item.Key).Select(item => (item.Key, item.Value)));
    }

    [Fact]
    public async Task Kill_AtAnyMoment_EveryJobEndsTruthfully()
    {
        var random = new Random(11);
        Work(_ => 200);
        await _host.StartAsync();
        var jobs = new List<JobRecord>();
        for (var round = 0; round < 15; round++)
        {
            jobs.Add(await _host.SubmitItemsAsync(20, workers: 2));
            await Task.Delay(random.Next(0, 60), TestContext.Current.CancellationToken);
            await _host.KillAsync();
            await _host.StartAsync();
        }

        foreach (var job in jobs)
        {
            Assert.Equal(20, (await _host.StatusAsync(job, JobStatus.Succeeded)).Batch!.Succeeded);
        }

        await _host.NothingLeftAsync(jobs[0]);
        Assert.InRange(_told, jobs.Count, jobs.Count * 3);
    }

    [Fact]
    public async Task Store_IsAwayJustWhenBatchesEnd_CountsThemOnceAllTheSame()
    {
        var ends = 0;
        Work(item => item % 10 == 3 ? 500 : 200);
        _host.OnStart = store => store.OnEnded = () =>
        {
            if (Interlocked.Increment(ref ends) % 7 == 0)
            {
                throw new StoreUnavailableException("the connection broke, and nobody knows what was written");
            }
        };
        await _host.StartAsync();

        var job = await _host.SubmitItemsAsync(100, workers: 3);

        var ended = await _host.StatusAsync(job, JobStatus.CompletedWithFailures);
        Assert.Equal((100L, 90L, 10L), (ended.Batch!.TotalBatches, ended.Batch.Succeeded, ended.Batch.Failed));
        Assert.InRange(ends, 100 + (100 / 7), 200);
    }

    [Fact]
    public async Task Restart_InOrder_GoesOnWithTheSameWorkers()
    {
        Work(_ =>
        {
            Thread.Sleep(5);
            return 200;
        });
        await _host.StartAsync();
        var job = await _host.SubmitItemsAsync(200, workers: 2);

        for (var i = 0; i < 5; i++)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
            await _host.StopAsync();
            await _host.StartAsync();
        }

        Assert.Equal(200, (await _host.StatusAsync(job, JobStatus.Succeeded)).Batch!.Succeeded);
        Assert.Equal(2, _host.Machine.Created.Count);
    }

    [Fact]
    public async Task Timeout_HoldsAcrossAKill()
    {
        _host.Machine.Handle = async (_, _) =>
        {
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            return new WorkerReply(200);
        };
        await _host.StartAsync();
        var job = await _host.SubmitItemsAsync(3, more: "\"timeout\": 3,");
        await _host.StatusAsync(job, JobStatus.Running);

        await _host.KillAsync();
        await _host.StartAsync();

        var ended = await _host.StatusAsync(job, JobStatus.TimedOut);
        Assert.InRange(ended.Record.EndedAt!.Value, job.CreatedAt.AddSeconds(3), job.CreatedAt.AddSeconds(30));
        Assert.Single(_host.Machine.Created);
        await _host.NothingLeftAsync(job);
    }

    [Fact]
    public async Task Stop_DecidedBeforeAKill_IsCarriedOutByTheNextProcess()
    {
        _host.OnStart = store => store.MayEnqueue = Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
        await _host.StartAsync();
        var job = await _host.SubmitItemsAsync(3);
        await _host.StatusAsync(job, JobStatus.Enqueuing);
        _host.Queues.Kill();
        await _host.Jobs.StopAsync("score", job.Id);

        await _host.KillAsync();
        await _host.StartAsync();

        await _host.StatusAsync(job, JobStatus.Stopped);
        await _host.NothingLeftAsync(job);
    }

    [Fact]
    public async Task WorkerDies_WhileTheServerIsAway_IsReplaced()
    {
        var held = true;
        _host.Machine.Handle = async (_, _) =>
        {
            while (Volatile.Read(ref held))
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }

            return new WorkerReply(200);
        };
        await _host.StartAsync();
        var job = await _host.SubmitItemsAsync(3);
        await _host.StatusAsync(job, JobStatus.Running);
        await _host.KillAsync();
        _host.Machine.Kill(_host.Machine.Created.Single().Id);
        Volatile.Write(ref held, false);

        await _host.StartAsync();

        Assert.Equal(3, (await _host.StatusAsync(job, JobStatus.Succeeded)).Batch!.Succeeded);
        Assert.Equal(2, _host.Machine.Created.Count);
    }

    /// <summary>Not part of the tests: how many batches a second, with workers in the same process.</summary>
    [Fact(Explicit = true)]
    public async Task Rate()
    {
        const int total = 100_000;
        _host.Machine.Handle = (_, _) => Task.FromResult(new WorkerReply(200));
        await _host.StartAsync();
        var watch = Stopwatch.StartNew();
        var settings = _host.Jobs.Submissions.ReadQuery([new("workers", "4"), new("batch_size", "1")]);
        var body = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, total))));

        var job = await _host.Jobs.SubmitAsync(_host.Deployed["score"], settings, body, TestContext.Current.CancellationToken);
        var submitted = watch.Elapsed;
        await Eventually.TrueAsync(() => _host.Jobs.Find("score", job.Id)!.Batch is { IsEnqueued: true }, "enqueued");
        var enqueued = watch.Elapsed;
        await _host.Jobs.WaitForEndAsync(job.Id, TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        var ended = watch.Elapsed;

        Assert.Equal(total, (await _host.StatusAsync(job, JobStatus.Succeeded)).Batch!.Succeeded);
        output.WriteLine($"submitted in {submitted.TotalSeconds:0.00} s, enqueued in {(enqueued - submitted).TotalSeconds:0.00} s, worked off in {(ended - enqueued).TotalSeconds:0.00} s: {total / (ended - enqueued).TotalSeconds:0} batches/s");
    }

    private void Work(Func<int, int> status) => _host.Machine.Handle = (_, request) =>
    {
        if (request.Path != "/")
        {
            Interlocked.Increment(ref _told);
            return Task.FromResult(new WorkerReply(200));
        }

        var item = JsonSerializer.Deserialize<int[]>(request.Body)![0];
        _tries.AddOrUpdate(item, 1, (_, count) => count + 1);
        return Task.FromResult(new WorkerReply(status(item)));
    };
}
