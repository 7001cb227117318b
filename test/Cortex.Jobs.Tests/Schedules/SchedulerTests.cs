using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Schedules;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Jobs.Tests.Schedules;

/// <summary>The scheduler over a real store, with a clock that the test moves.</summary>
public sealed class SchedulerTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-schedules-").FullName;
    private readonly ManualTime _time = new();
    private readonly List<DeployedSpec> _deployed = [];
    private IJobStore? _store;
    private StoredJobs? _jobs;
    private Scheduler? _scheduler;
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    private readonly Faults _faults = new();

    private IJobStore Store => _store!;

    [Fact]
    public async Task Run_ItsTimeComes_SubmitsTheJobOfTheConfiguration()
    {
        Deploy(Api("0 * * * *"));
        Open();
        Assert.Equal(Some.Start.AddHours(1), View().Next);

        await RunAsync(1);

        var job = Assert.Single(Jobs());
        Assert.Equal(Some.Start.AddHours(1), job.ScheduledAt);
        Assert.Equal("""{"timeout":5}""", Assert.Single(_jobs!.Bodies));
        await LastAsync(new ScheduledRun(Some.Start.AddHours(1), job.Id, ""));
        Assert.Equal((job, Some.Start.AddHours(2), ""), (View().LastJob! with { LastLogLines = job.LastLogLines }, View().Next, View().Message));
    }

    [Fact]
    public async Task Run_EverythingItCallsThrows_SubmitsTheJob()
    {
        Deploy(Api("0 * * * *"));
        Open();
        _faults.Arm(3);
        _time.Advance(TimeSpan.FromHours(1));

        // Its pauses after errors pass, however many there are; and when its first look was one of them, the next run's time comes.
        await Eventually.TrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            return Jobs().Any();
        }, "the job is there");

        Assert.Superset(new HashSet<string> { "IDeployed.List", "IScheduledJobs.SubmitAsync", "IJobStore.FindRunAsync", "IJobStore.SaveScheduleAsync" }, _faults.Thrown.ToHashSet());
    }

    [Fact]
    public async Task Run_ManyTimes_OneJobEach()
    {
        Deploy(Api("*/20 * * * *"));
        Open();

        for (var i = 1; i <= 5; i++)
        {
            await RunAsync(i, TimeSpan.FromMinutes(20));
        }

        Assert.Equal(Enumerable.Range(1, 5).Select(i => Some.Start.AddMinutes(20 * i)), Scheduled());
    }

    [Fact]
    public async Task Restart_WhatWasMissed_IsMadeUpForOnce()
    {
        Deploy(Api("0 * * * *"));
        Open();
        await RunAsync(1);
        await StopAsync();
        _time.Advance(TimeSpan.FromHours(9.5));

        Open();
        await CountAsync(2);

        Assert.Equal([Some.Start.AddHours(1), Some.Start.AddHours(10)], Scheduled());
        Assert.Equal(Some.Start.AddHours(11), View().Next);
    }

    [Fact]
    public async Task Restart_MissedRunsAreSkipped_SaysSo()
    {
        Deploy(Api("0 * * * *", missed: MissedRuns.Skip));
        Open();
        await RunAsync(1);
        await StopAsync();
        _time.Advance(TimeSpan.FromHours(9.5));

        Open();

        await LastAsync(new ScheduledRun(Some.Start.AddHours(10), null, "was missed: it was first seen 30m0s late"));
        Assert.Single(Jobs());
    }

    // Killed right before or right after the job was stored, at every run: each run is one job all the same.
    [Theory]
    [InlineData(MissedRuns.RunOnce)]
    [InlineData(MissedRuns.Skip)]
    public async Task Killed_AroundASubmission_NeitherLosesNorDoublesARun(MissedRuns missed)
    {
        var random = new Random(20261122);
        Deploy(Api("0 * * * *", missed: missed));
        Open();
        await SeenAsync();
        for (var i = 1; i <= 20; i++)
        {
            var kill = random.Next(3);
            _jobs!.Before = () => KillAsync(kill == 1);
            _jobs.After = () => KillAsync(kill == 2);
            _time.Advance(TimeSpan.FromHours(1));
            if (kill > 0)
            {
                await MoveUntilAsync(() => _stop.IsCancellationRequested, "it is killed");
                await StopAsync();
                Open();
            }

            await CountAsync(i);
            await LastAsync(new ScheduledRun(Some.Start.AddHours(i), Jobs().Max(job => (job.ScheduledAt, job.Id)).Id, ""));
        }

        Assert.Equal(Enumerable.Range(1, 20).Select(i => Some.Start.AddHours(i)), Scheduled());

        async Task KillAsync(bool now)
        {
            if (now)
            {
                await _stop.CancelAsync();
                throw new OperationCanceledException();
            }
        }
    }

    [Fact]
    public async Task Forbid_OneHasNotEnded_SkipsAndSaysSo()
    {
        Deploy(Api("0 * * * *", ScheduleConcurrency.Forbid));
        Open();
        await RunAsync(1);
        var first = Assert.Single(Jobs());

        _time.Advance(TimeSpan.FromHours(1));
        await LastAsync(new ScheduledRun(Some.Start.AddHours(2), null, $"was skipped, as job {first.Id} had not ended"));
        await _jobs!.EndAsync(first);
        _time.Advance(TimeSpan.FromHours(1));
        await CountAsync(2);

        Assert.Equal([Some.Start.AddHours(1), Some.Start.AddHours(3)], Scheduled());
    }

    [Fact]
    public async Task Allow_OneHasNotEnded_StartsAnother()
    {
        Deploy(Api("0 * * * *"));
        Open();

        await RunAsync(1);
        await RunAsync(2);

        Assert.All(Jobs(), job => Assert.False(job.Status.IsFinal()));
    }

    [Fact]
    public async Task Forbid_AJobThatSomebodySubmitted_DoesNotCount()
    {
        Deploy(Api("0 * * * *", ScheduleConcurrency.Forbid));
        Open();
        await Store.AddAsync(Some.Job(), "null"u8.ToArray(), Some.Api(), CancellationToken.None);

        await RunAsync(1);

        Assert.Single(Scheduled());
    }

    [Fact]
    public async Task Replace_OneHasNotEnded_EndsItFirst()
    {
        Deploy(Api("0 * * * *", ScheduleConcurrency.Replace));
        Open();
        await RunAsync(1);
        var first = Assert.Single(Jobs());

        _time.Advance(TimeSpan.FromHours(1));
        await MoveUntilAsync(() => View().Message == $"waits for the end of job {first.Id}, which it replaces", "it waits");

        var stopped = Assert.Single(Jobs());
        Assert.Equal(JobStatus.Stopped, stopped.Ending?.Status);
        await _jobs!.EndAsync(stopped);
        await MoveUntilAsync(() => Jobs().Count == 2, "the next one runs");
        Assert.Equal([Some.Start.AddHours(1), Some.Start.AddHours(2)], Scheduled());
        await MoveUntilAsync(() => View().Message.Length == 0, "it says nothing more");
    }

    [Fact]
    public async Task Refused_IsTriedAgainForAWhile()
    {
        Deploy(Api("0 * * * *"));
        Open();
        await SeenAsync();
        _jobs!.Before = () => throw new CortexException("job.too_many_unfinished", "too many");

        _time.Advance(TimeSpan.FromHours(1));
        await MoveUntilAsync(() => View().Message == "the run of 2030-01-01T01:00:00Z could not be submitted and is tried again: too many", "it says why");
        Assert.Null(View().Last);
        _jobs.Before = () => Task.CompletedTask;

        await MoveUntilAsync(() => View() is { Last: not null, Message: "" }, "it is submitted", TimeSpan.FromSeconds(1));
        Assert.Equal([Some.Start.AddHours(1)], Scheduled());
    }

    [Fact]
    public async Task Refused_ForTooLong_IsGivenUp()
    {
        Deploy(Api("0 * * * *"));
        Open();
        await SeenAsync();
        _jobs!.Before = () => throw new CortexException("job.too_many_unfinished", "too many");

        _time.Advance(TimeSpan.FromHours(1));
        await MoveUntilAsync(() => View().Last is not null, "it is given up", TimeSpan.FromSeconds(5));

        Assert.Equal(new ScheduledRun(Some.Start.AddHours(1), null, "could not be submitted: too many"), View().Last);
        Assert.True(_time.GetUtcNow() >= Some.Start.AddMinutes(70));
        Assert.Empty(Jobs());
    }

    [Fact]
    public async Task Redeployed_AnotherSchedule_HoldsAtOnceAndMakesUpForNothing()
    {
        Deploy(Api("0 0 1 1 *"));
        Open();
        await SeenAsync();
        _time.Advance(TimeSpan.FromHours(5.25));

        Deploy(Api("30 * * * *"));
        Assert.Equal(Some.Start.AddHours(5.5), View().Next);
        await Eventually.TrueAsync(() => Store.Schedules().Single().Cron == "30 * * * *", "the other schedule is seen");
        _time.Advance(TimeSpan.FromMinutes(15));
        await CountAsync(1);

        Assert.Equal([Some.Start.AddHours(5.5)], Scheduled());
    }

    [Fact]
    public async Task Deleted_IsForgotten()
    {
        Deploy(Api("0 * * * *"));
        Open();
        await RunAsync(1);
        lock (_deployed)
        {
            _deployed.Clear();
        }

        _scheduler!.Wake();

        await Eventually.TrueAsync(() => Store.Schedules().Count == 0, "it is forgotten");
        _time.Advance(TimeSpan.FromHours(3));
        Deploy(Api("0 * * * *", deployedAt: 9));
        Assert.Null(View().Last);
        Assert.Single(Jobs());
    }

    [Fact]
    public async Task ZoneThatIsNotThere_SaysSoAndHurtsNoOther()
    {
        Deploy(Api("0 * * * *", name: "lost", zone: "Atlantis/Center"), Api("0 * * * *"));
        Open();

        await RunAsync(1);

        var lost = _scheduler!.Find(_deployed[0])!;
        Assert.Null(lost.Next);
        Assert.Equal("there are no runs, as this machine does not know the time zone Atlantis/Center; install the package tzdata", lost.Message);
    }

    [Fact]
    public void Find_WithoutASchedule_IsNull()
    {
        Open();

        Assert.Null(_scheduler!.Find(Some.Api()));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static DeployedSpec Api(
        string cron, ScheduleConcurrency concurrency = default, MissedRuns missed = default, string name = "train", string zone = "UTC", long deployedAt = 7) => Some.Api(name) with
        {
            // No id that tells when it was deployed: it is taken as deployed when it is first seen.
            InitialDeploymentTime = deployedAt,
            Schedule = new ScheduleSpec { Cron = cron, TimeZone = zone, Concurrency = concurrency, MissedRuns = missed, Job = JsonDocument.Parse("""{"timeout":5}""").RootElement },
        };

    internal interface IDeployed
    {
        IEnumerable<DeployedSpec> List();
    }

    private sealed class DeployedApis(Func<IEnumerable<DeployedSpec>> list) : IDeployed
    {
        public IEnumerable<DeployedSpec> List() => list();
    }

    private void Deploy(params DeployedSpec[] apis)
    {
        lock (_deployed)
        {
            _deployed.Clear();
            _deployed.AddRange(apis);
        }

        _scheduler?.Wake();
    }

    private void Open()
    {
        _stop.Dispose();
        _stop = new CancellationTokenSource();
        _store = Waiting.Open(_folder, _time);
        _jobs = new StoredJobs(_store, _time);
        _scheduler = new Scheduler(
            _faults.On(_store), _store.Schedules(), [_faults.On<IScheduledJobs>(_jobs)], _faults.On<IDeployed>(new DeployedApis(Deployed)).List, new SchedulerOptions(), _time, _faults.On<ILogger<Scheduler>>(NullLogger<Scheduler>.Instance));
        var stop = _stop.Token;
        _running = Task.Run(() => KeptAlive.RunAsync(_scheduler.RunAsync, stop), CancellationToken.None);
    }

    private List<DeployedSpec> Deployed()
    {
        lock (_deployed)
        {
            return [.. _deployed];
        }
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    private ScheduleView View() => _scheduler!.Find(_deployed[^1])!;

    private IReadOnlyList<JobRecord> Jobs() => [.. Store.Unfinished(ApiKind.TaskAPI), .. Store.Ended("train", ApiKind.TaskAPI, 100)];

    private IEnumerable<DateTimeOffset> Scheduled() => Jobs().Select(job => job.ScheduledAt).OfType<DateTimeOffset>().Order();

    private async Task RunAsync(int count, TimeSpan? after = null)
    {
        await SeenAsync();
        _time.Advance(after ?? TimeSpan.FromHours(1));
        await CountAsync(count);
        await MoveUntilAsync(() => View().Last?.ScheduledAt > Some.Start, "it is noted");
    }

    // Before its time comes, as at the server's start or at a deployment.
    private Task SeenAsync() => Eventually.TrueAsync(() => Store.Schedules().Count > 0, "it is seen");

    private Task CountAsync(int count) => MoveUntilAsync(() => Scheduled().Count() >= count, $"there are {count} jobs");

    private Task LastAsync(ScheduledRun run) => MoveUntilAsync(() => View().Last == run, $"the last run is {run}");

    // The loop may have set its timer only after the test had moved the clock.
    private Task MoveUntilAsync(Func<bool> condition, string what, TimeSpan? by = null) => Eventually.TrueAsync(
        () =>
        {
            if (condition())
            {
                return true;
            }

            _time.Advance(by ?? TimeSpan.FromMilliseconds(5));
            return false;
        },
        what);

    /// <summary>Jobs that are stored and never run.</summary>
    private sealed class StoredJobs(IJobStore store, ManualTime time) : IScheduledJobs
    {
        private readonly Core.Identifiers.TimeIdGenerator _ids = new(time, store.NewestId());

        public ApiKind Kind => ApiKind.TaskAPI;

        public Func<Task> Before { get; set; } = () => Task.CompletedTask;

        public Func<Task> After { get; set; } = () => Task.CompletedTask;

        public List<string> Bodies { get; } = [];

        public async Task<JobRecord> SubmitAsync(DeployedSpec api, ReadOnlyMemory<byte> submission, DateTimeOffset scheduledAt, CancellationToken cancellationToken)
        {
            await Before();
            var job = Some.Job(_ids.Next().ToString(), api.Name, time.GetUtcNow()) with { ScheduledAt = scheduledAt };
            await store.AddAsync(job, "null"u8.ToArray(), api, CancellationToken.None);
            Bodies.Add(System.Text.Encoding.UTF8.GetString(submission.Span));
            await After();
            return job;
        }

        public Task StopAsync(string apiName, string jobId)
        {
            var job = store.Find(apiName, Kind, jobId)!;
            return store.SaveAsync(job with { Ending = new JobEnding(JobStatus.Stopped, time.GetUtcNow(), "it was stopped") }, CancellationToken.None);
        }

        public async Task EndAsync(JobRecord job) =>
            await store.SaveAsync(store.Find(job.ApiName, Kind, job.Id)! with { Status = JobStatus.Succeeded, EndedAt = time.GetUtcNow() }, CancellationToken.None);
    }
}
