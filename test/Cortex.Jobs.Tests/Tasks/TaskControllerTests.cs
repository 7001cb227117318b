using Cortex.Core.Clusters;
using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tasks;
using Cortex.Jobs.Tests.Support;
using Cortex.Runtimes;
using Cortex.Runtimes.Fake;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Jobs.Tests.Tasks;

/// <summary>The controller over a machine in memory and a real store, with a clock that the test moves.</summary>
public sealed class TaskControllerTests : IAsyncDisposable
{
    private static readonly FakeBehaviour _never = new();

    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-tasks-").FullName;
    private readonly ManualTime _time = new();
    private readonly FakeMachine _machine;
    private readonly Dictionary<string, DeployedSpec> _deployed = new(StringComparer.Ordinal) { ["train"] = Some.Api() };
    private JobSettings _limits = new();
    private FakeRuntime? _runtime;
    private IJobStore? _store;
    private TaskController? _tasks;
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public TaskControllerTests() => _machine = new FakeMachine(_time);

    private TaskController Tasks => _tasks!;

    [Fact]
    public async Task Job_ContainerEndsWithZero_SucceedsAndItsPodGoes()
    {
        Start(new FakeBehaviour { Log = ["hello"] });
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);
        _time.Advance(TimeSpan.FromSeconds(10));

        _machine.End(PodOf(job), "main", 0);

        var ended = await StatusAsync(job, JobStatus.Succeeded);
        Assert.Equal((job.CreatedAt, job.CreatedAt.AddSeconds(10), 0), (ended.StartedAt, ended.EndedAt, ended.ExitCode));
        await Eventually.TrueAsync(() => _runtime!.List().Count == 0, "its pod is gone");
        Assert.Equal("hello", Assert.Single(await LinesAsync(job, 1)).Text);
    }

    [Theory]
    [InlineData(3, false, JobStatus.WorkerError)]
    [InlineData(137, true, JobStatus.WorkerOom)]
    public async Task Job_ContainerFails_EndsWithItsCodeAndLastLines(int code, bool oom, JobStatus expected)
    {
        Start(new FakeBehaviour { Log = [.. Enumerable.Range(0, 30).Select(i => $"{i}")] });
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);

        _machine.End(PodOf(job), "main", code, oom);

        var ended = await StatusAsync(job, expected);
        Assert.Equal(code, ended.ExitCode);
        Assert.Equal(Enumerable.Range(10, 20).Select(i => $"{i}"), ended.LastLogLines);
        Assert.Contains("main", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_Definition_HasItsFileAndLabelsAndIsNeverRestarted()
    {
        Start(_never);
        var job = await SubmitAsync("""{"a": {"b": 1}}""");
        await StatusAsync(job, JobStatus.Running);

        var pod = Assert.Single(_pods);
        Assert.Equal(RestartPolicy.Never, pod.Restart);
        Assert.Equal((job.Id, "train", "TaskAPI", "train--1"), (pod.Labels[PodLabels.JobId], pod.Labels[PodLabels.ApiName], pod.Labels[PodLabels.ApiKind], pod.Labels[PodLabels.ApiId]));
        using var file = System.Text.Json.JsonDocument.Parse(pod.Files["/cortex/spec/job.json"]);
        Assert.Equal((job.Id, 1), (file.RootElement.GetProperty("job_id").GetString(), file.RootElement.GetProperty("config").GetProperty("a").GetProperty("b").GetInt32()));
    }

    [Fact]
    public async Task Timeout_CountsFromTheSubmissionAlsoAcrossARestart()
    {
        Start(_never);
        var job = await SubmitAsync(timeout: 60);
        await StatusAsync(job, JobStatus.Running);
        _time.Advance(TimeSpan.FromSeconds(50));
        await RestartAsync();
        Assert.Equal(JobStatus.Running, (await SeenAsync(job)).Status);

        _time.Advance(TimeSpan.FromSeconds(10));

        var ended = await StatusAsync(job, JobStatus.TimedOut);
        Assert.Equal("it was not over 1m0s after its submission", ended.Message);
    }

    [Fact]
    public async Task Timeout_WhileTheServerIsAway_JudgesByWhenItEnded()
    {
        Start(_never);
        var inTime = await SubmitAsync(timeout: 60);
        var late = await SubmitAsync(timeout: 60);
        await StatusAsync(inTime, JobStatus.Running);
        await StatusAsync(late, JobStatus.Running);
        await StopAsync();
        _time.Advance(TimeSpan.FromSeconds(30));
        _machine.End(PodOf(inTime), "main", 0);
        _time.Advance(TimeSpan.FromSeconds(60));
        _machine.End(PodOf(late), "main", 0);

        Open();

        Assert.Equal(inTime.CreatedAt.AddSeconds(30), (await StatusAsync(inTime, JobStatus.Succeeded)).EndedAt);
        await StatusAsync(late, JobStatus.TimedOut);
    }

    [Fact]
    public async Task Timeout_BeforeThereIsRoom_SaysWhatItWaitedFor()
    {
        Start(new FakeBehaviour { NoRoom = "no room: 9 CPU are taken" });
        var job = await SubmitAsync(timeout: 5);
        await MessageAsync(job, "no room: 9 CPU are taken");

        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.EndsWith("as it could not start: no room: 9 CPU are taken", (await StatusAsync(job, JobStatus.TimedOut)).Message, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => _runtime!.List().Count == 0, "its pod is gone");
    }

    [Fact]
    public async Task NoImage_AfterTheTimeoutOfImages_IsAnUnexpectedError()
    {
        Start(new FakeBehaviour { ImageError = "manifest unknown" });
        var job = await SubmitAsync();
        await MessageAsync(job, "manifest unknown");

        _time.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal("its image could not be had for 5m0s: manifest unknown", (await StatusAsync(job, JobStatus.UnexpectedError)).Message);
    }

    [Fact]
    public async Task CantStart_IsAWorkerErrorWithTheReason()
    {
        Start(new FakeBehaviour { StartError = "no such program" });

        Assert.Equal("no such program", (await StatusAsync(await SubmitAsync(), JobStatus.WorkerError)).Message);
    }

    [Fact]
    public async Task Stop_EndsItsProcessesFirst()
    {
        Start(new FakeBehaviour { StopTakes = TimeSpan.FromSeconds(20), Log = ["said"] });
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);

        await Tasks.StopAsync("train", job.Id);
        await MessageAsync(job, "is being ended, as it was stopped");
        await Eventually.TrueAsync(() => _runtime!.List() is [{ State: PodState.Terminating }], "its pod is being ended");
        Assert.Equal(JobStatus.Running, (await SeenAsync(job)).Status);
        _time.Advance(TimeSpan.FromSeconds(20));

        var ended = await StatusAsync(job, JobStatus.Stopped);
        Assert.Equal("it was stopped", ended.Message);
        Assert.Equal(["said"], ended.LastLogLines);
        var again = await Assert.ThrowsAsync<CortexException>(() => Tasks.StopAsync("train", job.Id));
        Assert.Equal("job.job_is_not_in_progress", again.Kind);
    }

    [Fact]
    public async Task Stop_Acknowledged_HoldsAfterARestart()
    {
        Start(new FakeBehaviour { StopTakes = TimeSpan.FromSeconds(20) });
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);
        await Tasks.StopAsync("train", job.Id);
        await RestartAsync();
        await Eventually.TrueAsync(() => _runtime!.List() is [{ State: PodState.Terminating }], "its pod is being ended");

        _time.Advance(TimeSpan.FromSeconds(20));

        await StatusAsync(job, JobStatus.Stopped);
    }

    [Fact]
    public async Task Stop_UnknownOrOfAnotherApi_SaysSo()
    {
        Start(_never);
        _deployed["other"] = Some.Api("other");
        var job = await SubmitAsync();

        Assert.Equal("job.not_found", (await Assert.ThrowsAsync<CortexException>(() => Tasks.StopAsync("other", job.Id))).Kind);
        Assert.Equal("job.not_found", (await Assert.ThrowsAsync<CortexException>(() => Tasks.StopAsync("train", "none"))).Kind);
    }

    [Fact]
    public async Task Fails_ThenTheClockIsSetBack_IsTriedAgainAfterThePauseAllTheSame()
    {
        Start(_never);
        _deployed["train"] = Some.Api(jobs: new JobsSpec { MaxAttempts = 2 });
        _machine.BehaveNext(new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromSeconds(1), 1) });
        _machine.BehaveNext(new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromSeconds(1), 0) });
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);
        _time.Advance(TimeSpan.FromSeconds(1));
        await MessageAsync(job, "attempt 1 of 2 failed: container main ended with exit code 1");

        _time.Jump(TimeSpan.FromHours(-1));
        for (var i = 0; i < 10 && !Tasks.Find("train", job.Id)!.Record.Status.IsFinal(); i++)
        {
            await Settle();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(2, (await StatusAsync(job, JobStatus.Succeeded)).Attempt);
    }

    [Fact]
    public async Task EndedFromOutside_IsTriedAgainWhenAnEngineThatStopsHasStopped()
    {
        Start(_never);
        _deployed["train"] = Some.Api(jobs: new JobsSpec { MaxAttempts = 2 });
        _machine.BehaveNext(new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromSeconds(1), 143) });
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);
        var before = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromSeconds(1));
        await MessageAsync(job, "attempt 1 of 2 failed: container main was ended by signal 15 (exit code 143)");

        var record = Tasks.Find("train", job.Id)!.Record;
        Assert.Equal(2, record.Attempt);
        Assert.InRange(record.NotBefore!.Value - before, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(22));
    }

    [Fact]
    public async Task Fails_WithAttemptsLeft_IsTriedAgainAfterAPause()
    {
        Start(_never);
        _deployed["train"] = Some.Api(jobs: new JobsSpec { MaxAttempts = 3 });
        _machine.BehaveNext(new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromSeconds(1), 1), Log = ["one"] });
        _machine.BehaveNext(new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromSeconds(1), 2), Log = ["two"] });
        _machine.BehaveNext(new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromSeconds(1), 0), Log = ["three"] });
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);
        _time.Advance(TimeSpan.FromSeconds(1));
        await MessageAsync(job, "attempt 1 of 3 failed: container main ended with exit code 1");
        Assert.Equal(JobStatus.Pending, (await SeenAsync(job)).Status);
        for (var i = 0; i < 10 && !Tasks.Find("train", job.Id)!.Record.Status.IsFinal(); i++)
        {
            await Settle();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var ended = await StatusAsync(job, JobStatus.Succeeded);
        Assert.Equal(3, ended.Attempt);
        await Eventually.TrueAsync(() => _runtime!.List().Count == 0, "every pod is gone");
        Assert.Equal(["one", "two", "three"], new[] { await LinesAsync(job, 1), await LinesAsync(job, 2), await LinesAsync(job, 3) }.Select(lines => Assert.Single(lines).Text));
    }

    [Fact]
    public async Task Cap_OfTheApi_HoldsJobsBackInOrderOfPriority()
    {
        Start(_never);
        _deployed["train"] = Some.Api(jobs: new JobsSpec { MaxConcurrent = 1, MaxAttempts = 1 });
        var first = await SubmitAsync();
        await StatusAsync(first, JobStatus.Running);
        var second = await SubmitAsync();
        var urgent = await SubmitAsync(priority: 9);
        await MessageAsync(second, "waits for its turn: 1 job of this API runs, as many as its max_concurrent allows");
        Assert.Equal(1, _machine.CreatedCount);

        _machine.End(PodOf(first), "main", 0);
        await StatusAsync(urgent, JobStatus.Running);
        Assert.Equal(JobStatus.Pending, (await SeenAsync(second)).Status);
        _machine.End(PodOf(urgent), "main", 0);

        await StatusAsync(second, JobStatus.Running);
    }

    [Fact]
    public async Task ManyAtOnce_AllRun_FewStartAtATime()
    {
        _limits = _limits with { ParallelStarts = 3 };
        _machine.CpuMillis = 1_000_000;
        Start(new FakeBehaviour { CreatingFor = TimeSpan.FromSeconds(1), Exit = new FakeExit(TimeSpan.FromSeconds(1), 0) });
        var jobs = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => SubmitAsync()));
        var most = 0;
        for (var i = 0; i < 60 && jobs.Any(job => !Tasks.Find("train", job.Id)!.Record.Status.IsFinal()); i++)
        {
            await Settle();
            most = Math.Max(most, _runtime!.List().Count(pod => pod.State == PodState.Creating));
            _time.Advance(TimeSpan.FromMilliseconds(500));
        }

        foreach (var job in jobs)
        {
            await StatusAsync(job, JobStatus.Succeeded);
        }

        Assert.Equal(3, most);
        Assert.Equal(20, _machine.CreatedCount);
    }

    [Fact]
    public async Task Submit_TooMany_IsRefused()
    {
        _limits = _limits with { MaxUnfinished = 1 };
        Start(_never);
        await SubmitAsync();

        Assert.Equal("job.too_many_unfinished", (await Assert.ThrowsAsync<CortexException>(() => SubmitAsync())).Kind);
    }

    [Fact]
    public async Task Redeployed_JobKeepsItsVersion()
    {
        _limits = _limits with { ParallelStarts = 1 };
        Start(new FakeBehaviour { NoRoom = "none" });
        var waits = await SubmitAsync();
        var queued = await SubmitAsync();
        await MessageAsync(waits, "none");
        _deployed["train"] = Some.Api(version: "2");
        await Tasks.StopAsync("train", waits.Id);
        await StatusAsync(waits, JobStatus.Stopped);
        await MessageAsync(queued, "none");

        Assert.Equal("train--1", queued.ApiId);
        Assert.Equal(["app:1", "app:1"], _pods.Select(pod => pod.Containers[0].Image));
    }

    [Fact]
    public async Task ApiDeleted_StopsItsJobsAndForgetsThem()
    {
        Start(_never);
        var ended = await SubmitAsync();
        await StatusAsync(ended, JobStatus.Running);
        _machine.End(PodOf(ended), "main", 0);
        await StatusAsync(ended, JobStatus.Succeeded);
        var running = await SubmitAsync();
        await StatusAsync(running, JobStatus.Running);

        _deployed.Remove("train");
        await Tasks.DeleteApiAsync("train", keepHistory: false, CancellationToken.None);

        await Eventually.TrueAsync(() => Tasks.Find("train", running.Id) is null && _runtime!.List().Count == 0, "nothing is left of it");
        Assert.Null(Tasks.Find("train", ended.Id));
        await Eventually.TrueAsync(() => Directory.GetDirectories(Path.Combine(_folder, "logs", "train")).Length == 0, "its logs are gone");
    }

    [Fact]
    public async Task ApiDeleted_KeepHistory_KeepsThemAsStopped()
    {
        Start(_never);
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);

        _deployed.Remove("train");
        await Tasks.DeleteApiAsync("train", keepHistory: true, CancellationToken.None);

        Assert.Equal("its API was deleted", (await StatusAsync(job, JobStatus.Stopped)).Message);
    }

    [Fact]
    public async Task ApiDeleted_WhileTheServerDied_StopsItsJobs()
    {
        Start(_never);
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);
        await StopAsync();
        _deployed.Remove("train");

        Open();

        await StatusAsync(job, JobStatus.Stopped);
    }

    [Fact]
    public async Task PodRemovedFromOutside_IsAnUnexpectedError()
    {
        Start(_never);
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);

        _machine.Remove(PodOf(job));

        await StatusAsync(job, JobStatus.UnexpectedError);
        Assert.Equal(1, _machine.CreatedCount);
    }

    [Fact]
    public async Task RuntimeAway_SaysSoAndStartsWhenItIsBack()
    {
        Start(_never);
        _machine.Unavailable = "Docker is not there";
        var job = await SubmitAsync();
        await MessageAsync(job, "Docker is not there");
        _machine.Unavailable = null;

        for (var i = 0; i < 20 && Tasks.Find("train", job.Id)!.Record.Status != JobStatus.Running; i++)
        {
            await Settle();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await StatusAsync(job, JobStatus.Running);
    }

    // Each round kills the server at another moment of a job's life; nothing is ever started twice, and every job ends
    // as its container did.
    [Fact]
    public async Task Killed_AtAnyMoment_EveryJobEndsAsItsContainerDid()
    {
        _machine.CpuMillis = 1_000_000;
        Start(new FakeBehaviour { CreatingFor = TimeSpan.FromMilliseconds(100) });
        var random = new Random(20261121);
        var jobs = new List<(JobRecord Job, int Code)>();
        for (var round = 0; round < 30; round++)
        {
            jobs.Add((await SubmitAsync(), random.Next(3)));
            if (random.Next(2) == 0)
            {
                await Settle();
            }

            _time.Advance(TimeSpan.FromMilliseconds(random.Next(300)));
            foreach (var (job, code) in jobs.Where(_ => random.Next(3) == 0))
            {
                if (_runtime!.List().FirstOrDefault(pod => pod.Id == PodOf(job)) is { State: PodState.Ready })
                {
                    _machine.End(PodOf(job), "main", code);
                }
            }

            if (random.Next(3) == 0)
            {
                await RestartAsync();
            }
        }

        foreach (var (job, code) in jobs)
        {
            await Eventually.TrueAsync(() =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(100));
                if (_runtime!.List().FirstOrDefault(pod => pod.Id == PodOf(job)) is { State: PodState.Ready })
                {
                    _machine.End(PodOf(job), "main", code);
                }

                return Tasks.Find("train", job.Id)!.Record.Status.IsFinal();
            }, $"job {job.Id} ends");
            Assert.Equal((code == 0 ? JobStatus.Succeeded : JobStatus.WorkerError, code), (Tasks.Find("train", job.Id)!.Record.Status, Tasks.Find("train", job.Id)!.Record.ExitCode));
        }

        Assert.Equal(30, _machine.CreatedCount);
        await Eventually.TrueAsync(() => _runtime!.List().Count == 0, "every pod is gone");
    }

    [Fact]
    public async Task Wait_EndsWithTheJob()
    {
        Start(_never);
        var job = await SubmitAsync();
        await StatusAsync(job, JobStatus.Running);
        var waiting = Tasks.WaitForEndAsync(job.Id, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.False(waiting.IsCompleted);

        _machine.End(PodOf(job), "main", 0);

        await waiting;
        Assert.Equal(JobStatus.Succeeded, Tasks.Find("train", job.Id)!.Record.Status);
    }

    [Fact]
    public async Task List_ShowsUnfinishedAndEndedNewestFirst()
    {
        Start(_never);
        var ended = await SubmitAsync();
        await StatusAsync(ended, JobStatus.Running);
        _machine.End(PodOf(ended), "main", 0);
        await StatusAsync(ended, JobStatus.Succeeded);
        var first = await SubmitAsync();
        var second = await SubmitAsync();

        Assert.Equal([second.Id, first.Id, ended.Id], Tasks.List("train", 10).Select(view => view.Record.Id));
        Assert.Equal([second.Id, first.Id], Tasks.List("train", 1).Select(view => view.Record.Id));
        Assert.Empty(Tasks.List("other", 10));
    }

    [Fact]
    public async Task List_WhileJobsEnd_HasEachJobOnce()
    {
        Start(_never);
        var jobs = new List<JobRecord>();
        for (var i = 0; i < 20; i++)
        {
            jobs.Add(await SubmitAsync());
        }

        var ids = jobs.Select(job => job.Id).Order(StringComparer.Ordinal).ToList();
        foreach (var job in jobs)
        {
            await StatusAsync(job, JobStatus.Running);
        }

        jobs.ForEach(job => _machine.End(PodOf(job), "main", 0));
        await Eventually.TrueAsync(() =>
        {
            var listed = Tasks.List("train", 100);
            Assert.Equal(ids, listed.Select(view => view.Record.Id).Order(StringComparer.Ordinal));
            return listed.All(view => view.Record.Status.IsFinal());
        }, "every job ends");
    }

    [Fact]
    public async Task History_IsBoundedWithItsLogs()
    {
        _limits = _limits with { History = 2 };
        Start(new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromSeconds(1), 0), Log = ["x"] });
        var jobs = new List<JobRecord>();
        for (var i = 0; i < 4; i++)
        {
            jobs.Add(await SubmitAsync());
            await StatusAsync(jobs[i], JobStatus.Running);
            _time.Advance(TimeSpan.FromSeconds(1));
            await StatusAsync(jobs[i], JobStatus.Succeeded);
            await Eventually.TrueAsync(() => _runtime!.List().Count == 0, "its pod is gone");
        }

        await Eventually.TrueAsync(() => Tasks.Find("train", jobs[1].Id) is null && !Tasks.Logs.Has("train", jobs[1].Id, 1), "the oldest are gone");
        Assert.True(Tasks.Logs.Has("train", jobs[3].Id, 1));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private readonly List<PodDefinition> _pods = [];

    private void Start(FakeBehaviour behaviour)
    {
        _machine.Behaviour = behaviour;
        Open();
    }

    private void Open()
    {
        _stop = new CancellationTokenSource();
        _runtime = new FakeRuntime(_machine);
        _store = Waiting.Open(_folder, _time, _limits.History);
        _tasks = new TaskController(
            _store, _store.Unfinished(ApiKind.TaskAPI), new WatchedRuntime(_runtime, _pods), new JobOptions { Limits = _limits, LogFolder = Path.Combine(_folder, "logs") },
            new JobHost(_deployed.GetValueOrDefault, MakePod), new TimeIdGenerator(_time, _store.NewestId()), _time, NullLogger<TaskController>.Instance);
        _running = Task.Run(() => Tasks.RunAsync(_stop.Token), CancellationToken.None);
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        if (_runtime is not null)
        {
            await _runtime.DisposeAsync();
        }
    }

    private async Task RestartAsync()
    {
        await StopAsync();
        Open();
    }

    private static PodDefinition MakePod(DeployedSpec spec) => new()
    {
        Id = "unused",
        Labels = new Dictionary<string, string> { [PodLabels.ApiName] = spec.Name, [PodLabels.ApiKind] = spec.Kind.ToString(), [PodLabels.ApiId] = spec.Id },
        Containers = [.. spec.Pod!.Containers.Select(container => new PodContainer { Name = container.Name, Image = container.Image, CpuMillis = 10 })],
    };

    private Task<JobRecord> SubmitAsync(string? config = null, long? timeout = null, int? priority = null) => Tasks.SubmitAsync(
        _deployed["train"],
        TaskSubmission.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"config": {{config ?? "null"}}, "timeout": {{timeout?.ToString() ?? "null"}}, "priority": {{priority?.ToString() ?? "null"}}}""")));

    private static string PodOf(JobRecord job) => TaskController.PodId(job);

    private async Task<JobRecord> StatusAsync(JobRecord job, JobStatus status) =>
        await Eventually.GetAsync(
            () =>
            {
                if (Tasks.Find(job.ApiName, job.Id)?.Record is { } now && now.Status == status)
                {
                    return now;
                }

                if (status.IsFinal())
                {
                    // The loop may have set its timer only after the test had moved the clock.
                    _time.Advance(TimeSpan.FromMilliseconds(1));
                }

                return null;
            },
            () => $"{status}, but {Tasks.Find(job.ApiName, job.Id)}");

    private Task<JobView> MessageAsync(JobRecord job, string message) =>
        Eventually.GetAsync(() => Tasks.Find(job.ApiName, job.Id) is { } now && now.Message == message ? now : null, () => $"{message}, but {Tasks.Find(job.ApiName, job.Id)}");

    private async Task<JobRecord> SeenAsync(JobRecord job)
    {
        await Settle();
        return Tasks.Find(job.ApiName, job.Id)!.Record;
    }

    // What is under way goes on in real time, whatever the test's clock says.
    private static Task Settle() => Task.Delay(30, TestContext.Current.CancellationToken);

    private async Task<List<LogLine>> LinesAsync(JobRecord job, int attempt) =>
        await Tasks.Logs.ReadAsync(job.ApiName, job.Id, attempt, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

    /// <summary>Remembers the pods that were asked for.</summary>
    private sealed class WatchedRuntime(FakeRuntime inner, List<PodDefinition> pods) : IContainerRuntime
    {
        public Task StartAsync(CancellationToken cancellationToken) => inner.StartAsync(cancellationToken);

        public RuntimeTrouble? Trouble => inner.Trouble;

        public Task<RuntimeCapacity> GetCapacityAsync(CancellationToken cancellationToken) => inner.GetCapacityAsync(cancellationToken);

        public Task CreateAsync(PodDefinition pod, CancellationToken cancellationToken)
        {
            lock (pods)
            {
                pods.Add(pod);
            }

            return inner.CreateAsync(pod, cancellationToken);
        }

        public Task DeleteAsync(string podId, TimeSpan grace, CancellationToken cancellationToken) => inner.DeleteAsync(podId, grace, cancellationToken);

        public Task<bool> FreezeAsync(string podId, CancellationToken cancellationToken) => inner.FreezeAsync(podId, cancellationToken);

        public Task<bool> ThawAsync(string podId, CancellationToken cancellationToken) => inner.ThawAsync(podId, cancellationToken);

        public IReadOnlyList<PodStatus> List() => inner.List();

        public IAsyncEnumerable<string> WatchAsync(CancellationToken cancellationToken) => inner.WatchAsync(cancellationToken);

        public IAsyncEnumerable<LogLine> ReadLogsAsync(string podId, LogQuery query, CancellationToken cancellationToken) => inner.ReadLogsAsync(podId, query, cancellationToken);

        public Task<ExecResult> ExecAsync(string podId, string container, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken) =>
            inner.ExecAsync(podId, container, command, timeout, cancellationToken);

        public Task<PodUsage?> GetUsageAsync(string podId, CancellationToken cancellationToken) => inner.GetUsageAsync(podId, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
