using Cortex.Jobs.Tasks;
using Cortex.Jobs.Tests.Support;
using Cortex.Runtimes;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Jobs.Tests.Tasks;

public sealed class TaskJobRuleTests
{
    private static readonly TimeSpan _imageTimeout = TimeSpan.FromMinutes(5);
    private static readonly JobRecord _pending = Some.Job();
    private static readonly JobRecord _running = _pending with { Status = JobStatus.Running, StartedAt = At(1) };

    [Fact]
    public void Pending_WithoutPod_Starts() => Assert.IsType<TaskStep.Start>(Next(_pending, null));

    [Fact]
    public void Pending_BeforeItsNextAttempt_WaitsAndSaysWhy()
    {
        var job = _pending with { Attempt = 2, NotBefore = At(20), Message = "attempt 1 of 2 failed: exit 1" };

        Assert.Equal(new TaskStep.Wait("attempt 1 of 2 failed: exit 1"), Next(job, null, now: At(10)));
        Assert.IsType<TaskStep.Start>(Next(job, null, now: At(20)));
    }

    [Fact]
    public void Pending_WhilePodWaits_SaysWhatFor() =>
        Assert.Equal(new TaskStep.Wait("no room: 1 CPU"), Next(_pending, Pod(PodState.Pending, "no room: 1 CPU", Idle())));

    [Fact]
    public void Pending_ContainerRuns_Runs() => Assert.Equal(new TaskStep.Run(At(3)), Next(_pending, Pod(PodState.Ready, "", Runs(3))));

    [Fact]
    public void Pending_OneRunsAnotherIsBeingCreated_Runs() => Assert.Equal(new TaskStep.Run(At(3)), Next(_pending, Pod(PodState.Creating, "", Runs(3), Idle("two"))));

    [Fact]
    public void AllEndedWithZero_Succeeds() =>
        Assert.Equal(new TaskStep.End(JobStatus.Succeeded, At(7), At(1), 0, ""), Next(_running, Pod(PodState.Succeeded, "", Ended(0, 5), Ended(0, 7, "two"))));

    [Fact]
    public void QuickJob_NeverSeenRunning_SucceedsWithItsTimes() =>
        Assert.Equal(new TaskStep.End(JobStatus.Succeeded, At(5), At(1), 0, ""), Next(_pending, Pod(PodState.Succeeded, "", Ended(0, 5))));

    [Fact]
    public void OneEndedWithZero_OthersRun_GoesOn() => Assert.Equal(new TaskStep.Wait(""), Next(_running, Pod(PodState.Ready, "", Ended(0, 5), Runs(1, "two"))));

    [Fact]
    public void OneFailed_OthersStillRun_IsNotOverYet() =>
        Assert.Equal(new TaskStep.Wait("main ended with 3; the other containers are being ended"), Next(_running, Pod(PodState.Failed, "", Ended(3, 5), Runs(1, "two"))));

    [Fact]
    public void OneFailed_OthersEnded_IsWorkerErrorOfTheFirstFailure()
    {
        var pod = Pod(PodState.Failed, "", Ended(143, 8, "two"), Ended(3, 5));

        Assert.Equal(new TaskStep.End(JobStatus.WorkerError, At(8), At(1), 3, "main ended with 3"), Next(_running, pod));
    }

    [Fact]
    public void OutOfMemory_IsWorkerOom() => Assert.Equal(JobStatus.WorkerOom, End(_running, Pod(PodState.KilledOOM, "", Ended(137, 5) with { OomKilled = true })).Status);

    [Fact]
    public void ContainerCouldNotStart_IsWorkerErrorWithTheReason()
    {
        var end = End(_pending, Pod(PodState.Failed, "can't start", Idle()));

        Assert.Equal((JobStatus.WorkerError, "can't start", (int?)null), (end.Status, end.Message, end.ExitCode));
    }

    [Fact]
    public void Failed_WithAttemptsLeft_Retries()
    {
        var job = _running with { MaxAttempts = 2 };

        Assert.Equal(new TaskStep.Retry("main ended with 3", Interrupted: false), Next(job, Pod(PodState.Failed, "", Ended(3, 5))));
        Assert.Equal(JobStatus.WorkerError, End(job with { Attempt = 2 }, Pod(PodState.Failed, "", Ended(3, 5))).Status);
    }

    [Theory]
    [InlineData(143, false, true)]
    [InlineData(137, false, true)]
    [InlineData(137, true, false)]
    [InlineData(139, false, false)]
    public void Failed_BySignal_IsInterruptedWhenItCameFromOutside(int code, bool oom, bool interrupted)
    {
        var retry = Next(_running with { MaxAttempts = 2 }, Pod(PodState.Failed, "", Ended(code, 5) with { OomKilled = oom }));

        Assert.Equal(interrupted, Assert.IsType<TaskStep.Retry>(retry).Interrupted);
    }

    [Fact]
    public void Failed_TimeIsUp_DoesNotRetry() =>
        Assert.Equal(JobStatus.WorkerError, End(_running with { MaxAttempts = 2, Timeout = 10 }, Pod(PodState.Failed, "", Ended(3, 5)), now: At(10)).Status);

    [Fact]
    public void TimeIsUp_StopsWhatRuns()
    {
        var step = Assert.IsType<TaskStep.Stop>(Next(_running with { Timeout = 10 }, Pod(PodState.Ready, "", Runs(1)), now: At(10)));

        Assert.Equal((JobStatus.TimedOut, At(10)), (step.Ending.Status, step.Ending.At));
    }

    [Fact]
    public void TimeIsUp_WhileItWaitsForRoom_SaysSo()
    {
        var step = Assert.IsType<TaskStep.Stop>(Next(_pending with { Timeout = 10 }, Pod(PodState.Pending, "no room", Idle()), now: At(10)));

        Assert.Equal("it was not over 10s after its submission, as it could not start: no room", step.Ending.Message);
    }

    [Fact]
    public void TimeIsUp_BeforeAnyPod_Ends() => Assert.Equal(JobStatus.TimedOut, End(_pending with { Timeout = 10 }, null, now: At(10)).Status);

    [Fact]
    public void EndedInTime_SeenLate_IsJudgedByItsExitCode() =>
        Assert.Equal(JobStatus.Succeeded, End(_running with { Timeout = 10 }, Pod(PodState.Succeeded, "", Ended(0, 9)), now: At(3600)).Status);

    [Fact]
    public void EndedLate_WhileNobodyLooked_TimedOut() =>
        Assert.Equal(JobStatus.TimedOut, End(_running with { Timeout = 10 }, Pod(PodState.Succeeded, "", Ended(0, 11)), now: At(3600)).Status);

    [Fact]
    public void Stopped_GoesOnStoppingUntilAllHaveEnded()
    {
        var job = _running with { Ending = new JobEnding(JobStatus.Stopped, At(4), "it was stopped") };

        Assert.Equal(new TaskStep.Stop(job.Ending!), Next(job, Pod(PodState.Terminating, "", Runs(1))));
        Assert.Equal(JobStatus.Stopped, End(job, Pod(PodState.Terminating, "", Ended(0, 5))).Status);
        Assert.Equal(JobStatus.Stopped, End(job, null).Status);
    }

    [Fact]
    public void Stopped_AfterItHadEnded_StaysStoppedAsPeopleWereTold() =>
        Assert.Equal(JobStatus.Stopped, End(_running with { Ending = new JobEnding(JobStatus.Stopped, At(6), "") }, Pod(PodState.Succeeded, "", Ended(0, 5))).Status);

    [Fact]
    public void Running_PodGone_IsAnUnexpectedErrorOrRetried()
    {
        Assert.Equal(JobStatus.UnexpectedError, End(_running, null).Status);
        Assert.IsType<TaskStep.Retry>(Next(_running with { MaxAttempts = 2 }, null));
    }

    [Fact]
    public void NoImage_IsTriedForAWhile()
    {
        var pod = Pod(PodState.ErrImagePull, "manifest unknown", Idle());

        Assert.Equal(new TaskStep.Wait("manifest unknown"), Next(_pending, pod, now: At(200), noImageSince: At(1)));
        var step = Assert.IsType<TaskStep.Stop>(Next(_pending, pod, now: At(301), noImageSince: At(1)));
        Assert.Equal((JobStatus.UnexpectedError, "its image could not be had for 5m0s: manifest unknown"), (step.Ending.Status, step.Ending.Message));
    }

    [Fact]
    public void HugeTimeout_IsNone() => Assert.Null((_pending with { Timeout = long.MaxValue }).Deadline);

    // Whatever the pod looks like: never a success with a container that failed, runs or never ended; an ending that was
    // decided never turns into another attempt; what still runs is never called over.
    [Fact]
    public void AnyPod_IsNeverCalledBetterThanItIs()
    {
        var container = from running in Gen.Elements(true, false)
                        from code in Gen.Elements<int?>(null, 0, 1, 137)
                        from oom in Gen.Elements(true, false)
                        from start in Gen.Elements<int?>(null, 1, 2)
                        from end in Gen.Choose(3, 30)
                        select new ContainerStatus
                        {
                            Name = "c",
                            Running = running,
                            ExitCode = running ? null : code,
                            OomKilled = oom && code == 137,
                            StartedAt = start is { } s ? At(s) : null,
                            EndedAt = running || code is null ? null : At(end),
                        };
        var pods = from state in Gen.Elements(Enum.GetValues<PodState>())
                   from containers in Gen.Choose(1, 3).SelectMany(count => container.ListOf(count))
                   select Pod(state, "why", [.. containers]);
        var jobs = from status in Gen.Elements(JobStatus.Pending, JobStatus.Running)
                   from timeout in Gen.Elements<long?>(null, 10)
                   from attempts in Gen.Choose(1, 2)
                   from ending in Gen.Elements<JobEnding?>(null, new JobEnding(JobStatus.Stopped, At(15), ""))
                   select _pending with { Status = status, Timeout = timeout, MaxAttempts = attempts, Ending = ending };
        Prop.ForAll(Arb.From(jobs), Arb.From(pods), (job, pod) =>
        {
            var step = Next(job, pod, now: At(40));
            var runs = pod.Containers.Any(each => each.Running);
            return step switch
            {
                TaskStep.End { Status: JobStatus.Succeeded } => pod.Containers.All(each => each is { Running: false, ExitCode: 0 }),
                TaskStep.End end => !runs && end.Status.IsFinal() && (job.Timeout is null || end.At <= At(10) || end.Status is JobStatus.TimedOut or JobStatus.Stopped),
                TaskStep.Retry => !runs && job.Ending is null && job.Attempt < job.MaxAttempts,
                TaskStep.Start => false,
                TaskStep.Run => job.Ending is null && job.Status == JobStatus.Pending,
                TaskStep.Wait => job.Ending is null && job.Timeout is null,
                _ => true,
            };
        }).QuickCheckThrowOnFailure();
    }

    private static TaskStep Next(JobRecord job, PodStatus? pod, DateTimeOffset? now = null, DateTimeOffset? noImageSince = null) =>
        TaskJobRule.Next(job, pod, noImageSince, now ?? At(9), _imageTimeout);

    private static TaskStep.End End(JobRecord job, PodStatus? pod, DateTimeOffset? now = null) => Assert.IsType<TaskStep.End>(Next(job, pod, now));

    private static PodStatus Pod(PodState state, string reason, params IReadOnlyList<ContainerStatus> containers) => new()
    {
        Id = "p",
        Labels = new Dictionary<string, string>(),
        State = state,
        Reason = reason,
        CreatedAt = At(0),
        StateSince = At(0),
        Containers = containers,
    };

    private static ContainerStatus Idle(string name = "main") => new() { Name = name };

    private static ContainerStatus Runs(int since, string name = "main") => new() { Name = name, Running = true, Ready = true, StartedAt = At(since) };

    private static ContainerStatus Ended(int code, int at, string name = "main") =>
        new() { Name = name, ExitCode = code, StartedAt = At(1), EndedAt = At(at), Reason = code == 0 ? "" : $"{name} ended with {code}" };

    private static DateTimeOffset At(int seconds) => Some.Start.AddSeconds(seconds);
}
