using Cortex.Core.Units;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch.Running;

/// <summary>
/// Decides what happens next to a batch job. Pure: no clock, no I/O. Workers begin when all batches are in the queue; those that die are replaced as long as
/// batches get finished; after the last batch one worker is told; then the job is over, whatever its workers do.
/// </summary>
internal static class BatchJobRule
{
    /// <summary>The next step.</summary>
    public static BatchStep Next(BatchFacts facts, DateTimeOffset now, BatchBounds bounds)
    {
        if (facts.Ending is { } ending)
        {
            return WindUp(facts, ending);
        }

        var remaining = facts.Enqueued.Done ? facts.Enqueued.Batches - facts.Succeeded - facts.Failed : long.MaxValue;
        if (remaining <= 0 && facts.Completion == JobCompletion.Told)
        {
            return Over(facts);
        }

        if (Reason(facts, now, bounds) is { } end)
        {
            return new(facts.Status, end.Message, end, []);
        }

        return facts.Enqueued.Done
            ? Work(facts, remaining, now)
            : new(JobStatus.Enqueuing, "", null, facts.IsEnqueuing ? [] : [new BatchAction.Enqueue()]);
    }

    // Everything is finished, and that is what is reported at once; the workers' own end may take its time.
    private static BatchStep Over(BatchFacts facts) => new(
        facts.Failed > 0 ? JobStatus.CompletedWithFailures : JobStatus.Succeeded,
        facts.Failed > 0 ? $"{facts.Failed} of {facts.Enqueued.Batches} batches failed" : "",
        null,
        DeleteAll(facts));

    private static BatchStep WindUp(BatchFacts facts, BatchEnding ending)
    {
        var actions = DeleteAll(facts);
        if (facts.IsEnqueuing)
        {
            actions.Add(new BatchAction.StopEnqueuing());
        }

        var isOver = !facts.IsEnqueuing && facts.Workers.All(worker => worker.State is null);
        return new(isOver ? ending.Status : facts.Status, ending.Message, null, actions);
    }

    // Why the job must end early; null when it need not.
    private static BatchEnding? Reason(BatchFacts facts, DateTimeOffset now, BatchBounds bounds)
    {
        if (facts.Deadline <= now)
        {
            var waitedFor = WaitsFor(facts);
            return new(JobStatus.TimedOut, $"it was not over within its timeout{(waitedFor.Length > 0 ? $": {waitedFor}" : "")}");
        }

        if (facts.EnqueueFailure is { } failure)
        {
            return new(JobStatus.EnqueueFailed, failure.Message);
        }

        if (facts.DeathsInARow > bounds.MaxDeathsInARow)
        {
            return new(
                facts.DiedOfMemory ? JobStatus.WorkerOom : JobStatus.WorkerError,
                $"{facts.DeathsInARow} workers died one after the other without finishing a batch, the last one: {facts.LastDeath}");
        }

        var noImage = facts.Workers.Any(worker => worker.State == PodState.ErrImagePull);
        var patience = noImage ? bounds.ImageTimeout : bounds.RoomTimeout;
        return facts.IdleSince + patience <= now && !facts.Workers.Any(IsAlive)
            ? new(JobStatus.UnexpectedError, $"no worker could start for {GoDuration.Format(patience)}: {WaitsFor(facts)}")
            : null;
    }

    private static BatchStep Work(BatchFacts facts, long remaining, DateTimeOffset now)
    {
        var actions = new List<BatchAction>();
        // After the last batch one worker is still needed, to be told.
        var wanted = Math.Max(1, remaining);
        var present = facts.Workers.Count(worker => worker.IsCreated && !IsDead(worker));
        for (var place = 0; place < facts.Workers.Count; place++)
        {
            var worker = facts.Workers[place];
            if (IsDead(worker))
            {
                actions.Add(new BatchAction.BuryWorker(place, worker.State == PodState.KilledOOM, DeathOf(worker)));
            }
            else if (!worker.IsCreated && worker.State is null && (!worker.WasTried || (present < wanted && !(facts.ReplaceAt > now))))
            {
                actions.Add(new BatchAction.CreateWorker(place));
                present++;
            }
        }

        if (remaining <= 0 && facts.Completion == JobCompletion.Untold && IndexOfReady(facts) is >= 0 and var told)
        {
            actions.Add(new BatchAction.TellComplete(told));
        }

        var hasRun = facts.Status == JobStatus.Running || facts.Workers.Any(IsAlive);
        return new(hasRun ? JobStatus.Running : JobStatus.Enqueuing, WaitsFor(facts), null, actions);
    }

    private static List<BatchAction> DeleteAll(BatchFacts facts) =>
    [
        .. facts.Workers.Index().Where(worker => worker.Item.State is not null and not PodState.Terminating).Select(worker => new BatchAction.DeleteWorker(worker.Index)),
    ];

    private static int IndexOfReady(BatchFacts facts)
    {
        for (var place = 0; place < facts.Workers.Count; place++)
        {
            if (facts.Workers[place].State == PodState.Ready)
            {
                return place;
            }
        }

        return -1;
    }

    // Also one that ended well: with batches left, or nobody told yet, its end was too early.
    private static bool IsDead(WorkerFacts worker) => worker.IsCreated
        && worker.State is null or PodState.Failed or PodState.Killed or PodState.KilledOOM or PodState.Succeeded;

    private static bool IsAlive(WorkerFacts worker) => worker.State is PodState.Ready or PodState.NotReady;

    private static string DeathOf(WorkerFacts worker) => (worker.State, worker.Reason) switch
    {
        (null, _) => "its containers were removed by something other than this cluster",
        (PodState.Succeeded, _) => "it exited with 0 before the job was over",
        (_, { Length: > 0 } reason) => reason,
        var (state, _) => $"its pod is {state}",
    };

    // What keeps it from going on: most useful when no worker runs.
    private static string WaitsFor(BatchFacts facts)
    {
        if (facts.Workers.Any(IsAlive) || !facts.Enqueued.Done)
        {
            return "";
        }

        var waiting = facts.Workers.FirstOrDefault(worker => worker.IsCreated && worker.Reason.Length > 0);
        return waiting.Reason ?? (facts.DeathsInARow > 0 ? $"the last worker died: {facts.LastDeath}" : "");
    }
}
