using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Running;
using Cortex.Runtimes;

namespace Cortex.Jobs.Tests.Batch.Running;

public sealed class BatchJobRuleTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly BatchBounds Bounds = new() { MaxDeathsInARow = 2, ImageTimeout = TimeSpan.FromMinutes(15), RoomTimeout = TimeSpan.FromHours(1) };
    private static readonly WorkerFacts Fresh = new(null, IsCreated: false, WasTried: false, "");
    private static readonly WorkerFacts Buried = new(null, IsCreated: false, WasTried: true, "");

    [Fact]
    public void Next_Submitted_BeginsToEnqueueAndCreatesNoWorker()
    {
        var step = Next(Facts(JobStatus.Pending, 0, done: false, Fresh, Fresh));

        Assert.Equal(JobStatus.Enqueuing, step.Status);
        Assert.Equal([new BatchAction.Enqueue()], step.Actions);
    }

    [Fact]
    public void Next_Enqueuing_Waits()
    {
        var step = Next(Facts(JobStatus.Enqueuing, 500, done: false, Fresh, Fresh) with { IsEnqueuing = true });

        Assert.Equal(JobStatus.Enqueuing, step.Status);
        Assert.Empty(step.Actions);
    }

    [Fact]
    public void Next_EnqueueFailed_EndsAndNoWorkerEverRuns()
    {
        var step = Next(Facts(JobStatus.Enqueuing, 500, done: false, Fresh) with { EnqueueFailure = new("error", "item 3 is broken") });

        Assert.Equal(new BatchEnding(JobStatus.EnqueueFailed, "item 3 is broken"), step.Ending);
        Assert.Empty(step.Actions);
    }

    [Fact]
    public void Next_Enqueued_CreatesEveryWorkerAndIsNotYetRunning()
    {
        var step = Next(Facts(JobStatus.Enqueuing, 1, done: true, Fresh, Fresh, Fresh));

        Assert.Equal(JobStatus.Enqueuing, step.Status);
        Assert.Equal([new BatchAction.CreateWorker(0), new BatchAction.CreateWorker(1), new BatchAction.CreateWorker(2)], step.Actions);
    }

    [Theory]
    [InlineData(PodState.Pending, JobStatus.Enqueuing)]
    [InlineData(PodState.Stalled, JobStatus.Enqueuing)]
    [InlineData(PodState.Creating, JobStatus.Enqueuing)]
    [InlineData(PodState.ErrImagePull, JobStatus.Enqueuing)]
    [InlineData(PodState.NotReady, JobStatus.Running)]
    [InlineData(PodState.Ready, JobStatus.Running)]
    public void Next_Worker_MakesTheJobRunWhenItsProcessDoes(PodState state, JobStatus status)
    {
        var step = Next(Facts(JobStatus.Enqueuing, 5, done: true, Worker(state, "why")));

        Assert.Equal(status, step.Status);
        Assert.Equal(status == JobStatus.Running ? "" : "why", step.Message);
        Assert.Empty(step.Actions);
    }

    [Theory]
    [InlineData(PodState.Failed, "exit 3", false, "exit 3")]
    [InlineData(PodState.Killed, "", false, "its pod is Killed")]
    [InlineData(PodState.KilledOOM, "out of memory", true, "out of memory")]
    [InlineData(PodState.Succeeded, "", false, "it exited with 0 before the job was over")]
    [InlineData(null, "", false, "its containers were removed by something other than this cluster")]
    public void Next_WorkerDied_IsBuried(PodState? state, string reason, bool ofMemory, string death)
    {
        var step = Next(Facts(JobStatus.Running, 5, done: true, Worker(PodState.Ready), Worker(state, reason)));

        Assert.Equal([new BatchAction.BuryWorker(1, ofMemory, death)], step.Actions);
        Assert.Equal(JobStatus.Running, step.Status);
    }

    [Theory]
    [InlineData(5, 0, true)]
    [InlineData(5, 3, true)]
    [InlineData(5, 4, false)]   // the one worker left does the one batch left
    [InlineData(5, 5, false)]
    public void Next_BuriedWorker_IsReplacedWhileThereIsWorkForIt(long total, long finished, bool replaced)
    {
        var step = Next(Facts(JobStatus.Running, total, done: true, Worker(PodState.NotReady), Buried) with { Succeeded = finished, DeathsInARow = 1 });

        Assert.Equal(replaced ? [new BatchAction.CreateWorker(1)] : [], step.Actions);
    }

    [Fact]
    public void Next_BuriedWorkerBeforeItsTime_Waits()
    {
        var facts = Facts(JobStatus.Running, 5, done: true, Buried) with { DeathsInARow = 1, LastDeath = "exit 3", ReplaceAt = Now.AddSeconds(1) };

        Assert.Empty(Next(facts).Actions);
        Assert.Equal("the last worker died: exit 3", Next(facts).Message);
        Assert.Equal([new BatchAction.CreateWorker(0)], Next(facts with { ReplaceAt = Now }).Actions);
    }

    [Fact]
    public void Next_PodOfBuriedWorkerStillThere_Waits() =>
        Assert.Empty(Next(Facts(JobStatus.Running, 5, done: true, new WorkerFacts(PodState.Failed, IsCreated: false, WasTried: true, ""))).Actions);

    [Theory]
    [InlineData(2, false, null)]
    [InlineData(3, false, JobStatus.WorkerError)]
    [InlineData(3, true, JobStatus.WorkerOom)]
    public void Next_WorkersDieInARow_EndsOverTheBound(int deaths, bool ofMemory, JobStatus? status)
    {
        var step = Next(Facts(JobStatus.Running, 5, done: true, Worker(PodState.Ready)) with { DeathsInARow = deaths, DiedOfMemory = ofMemory, LastDeath = "exit 3" });

        Assert.Equal(status, step.Ending?.Status);
        Assert.True(status is null || step.Ending!.Message.Contains("exit 3", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(PodState.ErrImagePull, 14, null)]
    [InlineData(PodState.ErrImagePull, 15, JobStatus.UnexpectedError)]
    [InlineData(PodState.Pending, 15, null)]
    [InlineData(PodState.Stalled, 59, null)]
    [InlineData(PodState.Stalled, 60, JobStatus.UnexpectedError)]
    public void Next_NoWorkerCanStart_EndsAfterItsTimeSayingWhy(PodState state, int minutes, JobStatus? status)
    {
        var facts = Facts(JobStatus.Enqueuing, 5, done: true, Worker(state, "it needs 4 CPUs")) with { IdleSince = Now.AddMinutes(-minutes) };

        Assert.Equal(status, Next(facts).Ending?.Status);
        Assert.Contains("it needs 4 CPUs", Next(facts).Message, StringComparison.Ordinal);
        Assert.Null(Next(facts with { Workers = [.. facts.Workers, Worker(PodState.Ready)] }).Ending);
    }

    [Fact]
    public void Next_LastBatchFinished_TellsExactlyOneReadyWorker()
    {
        var facts = Facts(JobStatus.Running, 5, done: true, Worker(PodState.NotReady), Worker(PodState.Ready), Worker(PodState.Ready)) with { Succeeded = 4, Failed = 1 };

        Assert.Equal([new BatchAction.TellComplete(1)], Next(facts).Actions);
        Assert.Empty(Next(facts with { Completion = JobCompletion.Telling }).Actions);
        Assert.Empty(Next(facts with { Succeeded = 3 }).Actions);
    }

    [Fact]
    public void Next_LastWorkerDiedAfterTheLastBatch_AnotherIsMadeToBeTold()
    {
        var facts = Facts(JobStatus.Running, 5, done: true, Buried, Buried) with { Succeeded = 5, DeathsInARow = 1 };

        Assert.Equal([new BatchAction.CreateWorker(0)], Next(facts).Actions);
    }

    [Fact]
    public void Next_NoBatches_StillRunsItsWorkersAndTellsOne()
    {
        Assert.Equal(2, Next(Facts(JobStatus.Enqueuing, 0, done: true, Fresh, Fresh)).Actions.Count);
        Assert.Equal([new BatchAction.TellComplete(0)], Next(Facts(JobStatus.Enqueuing, 0, done: true, Worker(PodState.Ready), Worker(PodState.Creating))).Actions);
    }

    [Theory]
    [InlineData(0, JobStatus.Succeeded, "")]
    [InlineData(2, JobStatus.CompletedWithFailures, "2 of 5 batches failed")]
    public void Next_OneWasTold_IsOverAtOnceWhateverTheWorkersDo(long failed, JobStatus status, string message)
    {
        var facts = Facts(JobStatus.Running, 5, done: true, Worker(PodState.Ready), Worker(PodState.Failed), Worker(PodState.Terminating), Buried)
            with { Succeeded = 5 - failed, Failed = failed, Completion = JobCompletion.Told, Deadline = Now.AddSeconds(-1), DeathsInARow = 99 };

        var step = Next(facts);

        Assert.Equal((status, message), (step.Status, step.Message));
        Assert.Equal([new BatchAction.DeleteWorker(0), new BatchAction.DeleteWorker(1)], step.Actions);
    }

    [Theory]
    [InlineData(JobStatus.Pending)]
    [InlineData(JobStatus.Enqueuing)]
    [InlineData(JobStatus.Running)]
    public void Next_Timeout_EndsInEveryState(JobStatus status)
    {
        var facts = Facts(status, 5, done: status == JobStatus.Running, Worker(PodState.Ready)) with { Deadline = Now };

        Assert.Equal(JobStatus.TimedOut, Next(facts).Ending!.Status);
        Assert.Null(Next(facts with { Deadline = Now.AddTicks(1) }).Ending);
    }

    [Fact]
    public void Next_Ending_StopsAllAndIsOverWhenAllIsGone()
    {
        var facts = Facts(JobStatus.Running, 5, done: false, Worker(PodState.Ready), Worker(PodState.Terminating), Fresh)
            with { IsEnqueuing = true, Ending = new(JobStatus.Stopped, "by its user") };

        var first = Next(facts);
        Assert.Equal(JobStatus.Running, first.Status);
        Assert.Equal([new BatchAction.DeleteWorker(0), new BatchAction.StopEnqueuing()], first.Actions);

        var still = Next(facts with { IsEnqueuing = false, Workers = [Worker(PodState.Terminating), Fresh] });
        Assert.Equal(JobStatus.Running, still.Status);

        var over = Next(facts with { IsEnqueuing = false, Workers = [Buried, Fresh] });
        Assert.Equal((JobStatus.Stopped, "by its user"), (over.Status, over.Message));
        Assert.Empty(over.Actions);
    }

    private static BatchStep Next(BatchFacts facts) => BatchJobRule.Next(facts, Now, Bounds);

    private static BatchFacts Facts(JobStatus status, long batches, bool done, params WorkerFacts[] workers) =>
        new() { Status = status, Enqueued = new EnqueueProgress(batches, batches, done), Workers = workers };

    private static WorkerFacts Worker(PodState? state, string reason = "") => new(state, IsCreated: true, WasTried: true, reason);
}
