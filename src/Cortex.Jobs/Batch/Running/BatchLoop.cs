using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Cortex.Core.Specs;
using Cortex.Jobs.Tasks;
using Cortex.Routing;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch.Running;

/// <summary>Looks at all batch jobs together, lets those begin whose turn it is, and has done for each what the rule says.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Without a wait handle the semaphore holds nothing.")]
internal sealed class BatchLoop(BatchContext context)
{
    private static readonly TimeSpan _sweepInterval = TimeSpan.FromHours(1);
    private static readonly TimeSpan _saveInterval = TimeSpan.FromSeconds(30);

    private readonly BatchActions _actions = new(context);
    private readonly ConcurrentDictionary<string, bool> _retiring = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _retirements = new(Math.Max(MinRetirements, context.Options.Jobs.Limits.ParallelStarts));
    private readonly CancellationToken _stop = context.Beside.Stopping;
    private bool _adopted;
    private DateTimeOffset? _nextSweep;

    // Ended workers hold room until they are gone, and most go at once.
    private const int MinRetirements = 32;

    private BatchOptions Options => context.Options;

    private JobOptions Common => context.Options.Jobs;

    /// <summary>Runs until it is stopped. Workers go on running.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var next = context.Time.GetUtcNow() + Common.Resync;
            try
            {
                next = Step();
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                context.Logger.StepFailed(exception);
            }

            await context.Signal.WaitAsync(next, cancellationToken);
        }
    }

    // Looks at everything once, starts what has to be done, and tells when to look again at the latest.
    private DateTimeOffset Step()
    {
        // What came back first, then pods: so a pod that was created is in this list. Jobs last: a pod in this list whose job is not among them belongs to a job that has ended.
        _actions.MakeChanges();
        var pods = context.Runtime.List().Where(BatchPods.IsWorker).ToDictionary(pod => pod.Id, StringComparer.Ordinal);
        var jobs = context.Jobs.Values.OrderBy(job => job.Record, StartOrder.Instance).ToList();
        var now = context.Time.GetUtcNow();
        Adopt(pods, now);
        var gates = new Gates(
            new StartGate(new StartLimits(Common.Limits.MaxConcurrent, Options.ParallelEnqueuing), name => context.Host.Deployed(name)?.Jobs?.MaxConcurrent),
            new StartGate(new StartLimits(int.MaxValue, Common.Limits.ParallelStarts), _ => null));
        foreach (var job in jobs.Where(job => job.IsAdmitted))
        {
            job.See(pods, now);
            gates.Jobs.Add(job.Record.ApiName, job.Enqueued.Done ? StartPhase.Started : StartPhase.Starting);
            foreach (var place in job.Places.Where(place => place.Busy || place.Pod is not null))
            {
                gates.Workers.Add("", place.Phase(now, Common.SlowStart));
            }

            Serve(job);
        }

        var next = now + Common.Resync;
        foreach (var job in jobs)
        {
            next = Decide(job, gates, now, next);
        }

        foreach (var pod in pods.Values)
        {
            Retire(pod);
        }

        if (!(_nextSweep > now))
        {
            var isFirst = _nextSweep is null;
            _nextSweep = now + _sweepInterval;
            _actions.Run(() => _actions.CleanAsync(() => SweepAsync(isFirst)));
        }

        return next;
    }

    private void Adopt(Dictionary<string, PodStatus> pods, DateTimeOffset now)
    {
        if (_adopted)
        {
            return;
        }

        _adopted = true;
        foreach (var pod in pods.Values)
        {
            if (context.Jobs.GetValueOrDefault(pod.Labels[PodLabels.JobId]) is { IsAdmitted: true } job)
            {
                job.Adopt(pod, now);
            }
        }
    }

    // Whatever else is under way: batches go to the workers that are ready.
    private void Serve(ActiveBatch job)
    {
        if (!job.Enqueued.Done || !job.Part.Enqueued.Done || job.Record.Ending is not null || job.Closing is not null)
        {
            return;
        }

        if (job.Work is null)
        {
            _actions.Open(job);
        }

        var workers = job.Places.Select(place => BatchActions.Address(place.Pod)).OfType<ReplicaAddress>().ToList();
        if (!workers.SequenceEqual(job.Workers))
        {
            job.Workers = workers;
            job.Work!.Apply(workers);
        }

        if (job is { Tally.IsUnsure: true, Counting: false, Work.IsIdle: true })
        {
            _actions.Recount(job);
        }
    }

    private DateTimeOffset Decide(ActiveBatch job, Gates gates, DateTimeOffset now, DateTimeOffset next)
    {
        // Whatever is under way looks again when it is through.
        if (job.Busy)
        {
            return next;
        }

        if (job.RetryAt > now)
        {
            return Sooner(next, job.RetryAt, now);
        }

        var record = job.Record;
        next = Sooner(next, record.Deadline, now);
        if (record.Ending is null && context.Host.Deployed(record.ApiName)?.Kind != ApiKind.BatchAPI)
        {
            End(job, new BatchEnding(JobStatus.Stopped, "its API was deleted"), now);
            return next;
        }

        if (job.Enqueued.Done && !job.Part.Enqueued.Done)
        {
            // Before any worker gets a batch: from here on the queue tells what became of each.
            _actions.Begin(job, () => _actions.SaveAsync(job, same => same));
            return next;
        }

        var step = BatchJobRule.Next(job.Facts(), now, Options.Bounds);
        if (step.Ending is { } ending)
        {
            End(job, ending, now);
        }
        else if (step.Status.IsFinal())
        {
            var closed = BatchActions.CloseAsync(job);
            _actions.Begin(job, () => _actions.EndAsync(job, step.Status, step.Message, closed));
        }
        else if (job.IsAdmitted)
        {
            next = Go(job, step, gates, now, next);
        }
        else if (gates.Jobs.Enter(record.ApiName) is { } reason)
        {
            job.WaitsFor = reason;
        }
        else
        {
            job.Admit();
            next = Go(job, step, gates, now, next);
        }

        return next;
    }

    private void End(ActiveBatch job, BatchEnding ending, DateTimeOffset now) => _actions.Begin(
        job, () => _actions.SaveAsync(job, record => record with { Ending = record.Ending ?? new JobEnding(ending.Status, now, ending.Message) }));

    private DateTimeOffset Go(ActiveBatch job, BatchStep step, Gates gates, DateTimeOffset now, DateTimeOffset next)
    {
        job.WaitsFor = step.Message;
        if (job.Record.Ending is not null)
        {
            job.Telling?.Cancel();
        }

        foreach (var action in step.Actions)
        {
            Do(job, action, gates, now);
        }

        var timesChanged = job.Tally.Timed != job.Part.TimedBatches && job.SaveAt <= now;
        if (step.Status != job.Record.Status || job.MustSave || timesChanged)
        {
            job.MustSave = false;
            job.SaveAt = now + _saveInterval;
            var started = step.Status == JobStatus.Running ? now : (DateTimeOffset?)null;
            _actions.Begin(job, () => _actions.SaveAsync(job, record => record with { Status = step.Status, StartedAt = record.StartedAt ?? started }));
        }

        next = Sooner(next, job.ReplaceAt, now);
        next = Sooner(next, job.TellAt, now);
        next = Sooner(next, job.IdleSince + Options.Bounds.ImageTimeout, now);
        next = Sooner(next, job.IdleSince + Options.Bounds.RoomTimeout, now);
        return job.Places.Aggregate(next, (sooner, place) => Sooner(sooner, place.RetryAt, now));
    }

    private void Do(ActiveBatch job, BatchAction action, Gates gates, DateTimeOffset now)
    {
        switch (action)
        {
            case BatchAction.Enqueue when job.Enqueuing is null && !job.Enqueued.Done:
                _actions.Enqueue(job);
                break;
            case BatchAction.StopEnqueuing:
                job.Enqueuing?.Cancel();
                break;
            case BatchAction.CreateWorker(var index) when !job.Places[index].Busy:
                var place = job.Places[index];
                // One worker that waits for room is enough of a job: a job that is too large must not keep others from theirs.
                var reason = place.RetryAt > now ? place.Trouble : job.LacksRoom ?? gates.Workers.Enter("");
                if (reason is null)
                {
                    _actions.Create(job, index);
                }
                else if (job.WaitsFor.Length == 0)
                {
                    job.WaitsFor = reason;
                }

                break;
            case BatchAction.BuryWorker bury when !job.Places[bury.Place].Busy:
                _actions.Bury(job, bury);
                break;
            case BatchAction.DeleteWorker(var index) when !job.Places[index].Busy:
                _actions.Delete(job, index);
                break;
            case BatchAction.TellComplete(var index) when !(job.TellAt > now):
                _actions.Tell(job, index);
                break;
        }
    }

    // A pod that no job waits for any more: its logs are kept, then it goes.
    private void Retire(PodStatus pod)
    {
        if (_retiring.TryAdd(pod.Id, true))
        {
            _actions.Run(() => RetireAsync(pod));
        }
    }

    private async Task RetireAsync(PodStatus pod)
    {
        try
        {
            await _retirements.WaitAsync(_stop);
            try
            {
                await _actions.RetireAsync(pod);
            }
            finally
            {
                _retirements.Release();
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The server stops; the next process finds the pod.
        }
        catch (Exception exception)
        {
            await Task.Delay(Common.RetryDelay, context.Time, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            context.Logger.NotRetired(exception, pod.Id);
        }
        finally
        {
            _retiring.TryRemove(pod.Id, out _);
            context.Signal.Wake();
        }
    }

    private async Task SweepAsync(bool isFirst)
    {
        await context.Store.TrimOldAsync(ApiKind.BatchAPI, _stop);
        await context.Logs.RemoveUnknownAsync(ids => context.Store.GetKnownAsync(ids, _stop));
        await context.Queues.SweepQueuesAsync(context.Store, context.IsActive, _stop);
        if (isFirst)
        {
            // Only a killed process leaves items behind.
            await context.Queues.SweepItemsAsync(context.IsActive, _stop);
        }
    }

    private static DateTimeOffset Sooner(DateTimeOffset next, DateTimeOffset? other, DateTimeOffset now) => other > now && other < next ? other.Value : next;

    private readonly record struct Gates(StartGate Jobs, StartGate Workers);
}
