using System.Collections.Concurrent;
using System.Text;
using Cortex.Dispatch.Workers;
using Cortex.Core.Specs;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Loop;
using Cortex.Queues;
using Cortex.Routing;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch.Running;

/// <summary>
/// Does what has to be done for batch jobs. All methods are called by the loop; what takes time runs beside it and comes back as a change that
/// the loop makes, so that nothing of a job but its record and its tally needs a lock.
/// </summary>
internal sealed class BatchActions(BatchContext context)
{
    private static readonly byte[] _complete = """{"message":"job_complete"}"""u8.ToArray();
    private static readonly TimeSpan _lookPause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentQueue<Action> _changes = new();
    private readonly WorkerRetirement _retirement = new(context.Runtime, context.Logs, context.Options, context.Time, context.Logger.NoLogs);

    private readonly CancellationToken _stop = context.Beside.Stopping;

    private DateTimeOffset Now => context.Time.GetUtcNow();

    private JobOptions Options => context.Options.Jobs;

    /// <summary>Makes the changes that have come back.</summary>
    public void MakeChanges()
    {
        while (_changes.TryDequeue(out var change))
        {
            change();
        }
    }

    /// <summary>Does something beside the loop whose errors are its own affair.</summary>
    public void Run(Func<Task> work) => context.Beside.Start("a step of a batch job", _ => work());

    /// <summary>Does a step that changes a job's record; until it is through nothing else is decided for the job.</summary>
    public void Begin(ActiveBatch job, Func<Task> step)
    {
        job.Busy = true;
        Run(async () =>
        {
            try
            {
                await step();
                Post(() =>
                {
                    job.Passed();
                    job.Busy = false;
                });
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                // The server stops, and with it the stores; the next process decides anew.
            }
            catch (Exception exception)
            {
                Post(() =>
                {
                    job.Failed(exception.Message, Options, Now);
                    job.Busy = false;
                });
                context.Logger.JobStepFailed(exception, job.Record.Id, job.Record.ApiName);
            }
        });
    }

    /// <summary>Stores a job as it is, with a change.</summary>
    public Task SaveAsync(ActiveBatch job, Func<JobRecord, JobRecord> change) => job.ChangeAsync(
        context.Store,
        record => record.Status.IsFinal() ? null : change(record with
        {
            Batch = record.Batch! with
            {
                Enqueued = job.Enqueued.Batches >= record.Batch.Enqueued.Batches && !record.Batch.Enqueued.Done ? job.Enqueued : record.Batch.Enqueued,
                Generations = job.Places.Index().Where(place => place.Item.Generation > 1).ToDictionary(place => place.Index, place => place.Item.Generation),
                TimedBatches = job.Tally.Timed,
                Seconds = job.Tally.Seconds,
            },
        }),
        _stop);

    /// <summary>Puts the items of a job into its queue, or the rest of them, and finds out what is left of it.</summary>
    public void Enqueue(ActiveBatch job)
    {
        var (id, part) = (job.Record.Id, job.Part);
        var ending = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        job.Enqueuing = ending;
        Run(async () =>
        {
            EnqueueOutcome? outcome = null;
            (long Remaining, long Failed) counts = default;
            Exception? trouble = null;
            try
            {
                await context.Queues.MakeAsync(part.Queue, ending.Token);
                outcome = await context.Enqueuer.EnqueueAsync(id, part.Queue, part.Settings, progress => job.Enqueued = progress with { Done = false }, ending.Token);
                if (outcome.Failure is { } failure && part.Enqueued.Done)
                {
                    throw new StoreUnavailableException(failure.Message);   // nothing was left to do: it could only not be read
                }

                if (outcome.Failure is null)
                {
                    counts = await context.Queues.CountAsync(part.Queue, ending.Token);
                    await context.Items.DeleteAsync(id, ending.Token);
                }
            }
            catch (Exception) when (ending.IsCancellationRequested)
            {
                outcome = null;
            }
            catch (Exception exception)
            {
                (outcome, trouble) = (null, exception);
            }

            Post(() =>
            {
                ending.Dispose();
                job.Enqueuing = null;
                job.Failure = outcome?.Failure;
                if (outcome is { Failure: null })
                {
                    job.Tally.Set(counts.Remaining, counts.Failed);
                    job.Enqueued = outcome.Progress;
                }
                else if (trouble is not null)
                {
                    job.Failed(trouble.Message, Options, Now);
                }
            });
            if (trouble is not null)
            {
                context.Logger.JobStepFailed(trouble, id, job.Record.ApiName);
            }
        });
    }

    /// <summary>Begins to give batches to the workers of a job.</summary>
    public void Open(ActiveBatch job)
    {
        var (id, part) = (job.Record.Id, job.Part);
        var totals = context.Totals.Of(job.Record.ApiName);
        job.Work = context.Work.Open(
            new WorkSettings
            {
                Name = $"{job.Record.ApiName}, job {id}",
                Queue = part.Queue,
                HeaderLines = HeaderLines(id),
                MaxAttempts = (int)Math.Min(int.MaxValue, part.Settings.DeadLetters?.MaxReceiveCount ?? 1),
                RetryBackoff = context.Options.RetryBackoff,
                RetryBackoffMax = context.Options.RetryBackoffMax,
                MaxLostAttempts = context.Options.MaxLostAttempts,
            },
            end =>
            {
                totals.Add(end);
                if (job.Tally.Count(end))
                {
                    context.Signal.Wake();
                }
            });
    }

    /// <summary>Asks the queue again what is left. Only believed when no batch was under way meanwhile.</summary>
    public void Recount(ActiveBatch job)
    {
        var ends = job.Tally.Ends;
        job.Counting = true;
        Run(async () =>
        {
            (long Remaining, long Failed)? counts = null;
            Exception? trouble = null;
            try
            {
                counts = await context.Queues.CountAsync(job.Part.Queue, _stop);
            }
            catch (Exception exception) when (!_stop.IsCancellationRequested)
            {
                trouble = exception;
            }

            Post(() =>
            {
                job.Counting = false;
                if (counts is { } known && job.Work is { IsIdle: true } && job.Tally.Ends == ends)
                {
                    job.Tally.Set(known.Remaining, known.Failed);
                }
            });
            if (trouble is not null)
            {
                context.Logger.JobStepFailed(trouble, job.Record.Id, job.Record.ApiName);
            }
        });
    }

    /// <summary>Creates the worker of a place.</summary>
    public void Create(ActiveBatch job, int index)
    {
        var (record, place) = (job.Record, job.Places[index]);
        (place.Busy, place.AskedAt) = (true, Now);
        Run(async () =>
        {
            try
            {
                var spec = await context.Store.GetSpecAsync(record.ApiId, _stop) ?? throw new InvalidDataException($"the specification of job {record.Id} is missing in the store of jobs");
                var json = BatchJson.Job(record, await context.Store.GetConfigAsync(record.Id, _stop), indented: true);
                await context.Runtime.CreateAsync(BatchPods.Worker(context.Host.MakePod(spec), record, index, place.Generation, json, Options.Limits.TerminationGrace), _stop);
                Post(() => (place.Busy, place.IsCreated, place.Trouble) = (false, true, ""));
            }
            catch (Exception exception) when (!_stop.IsCancellationRequested)
            {
                Post(() => (place.Busy, place.RetryAt, place.Trouble) = (false, Now + Options.RetryDelay, exception.Message));
                context.Logger.NotCreated(exception, BatchPods.PodId(record, index, place.Generation));
            }
        });
    }

    /// <summary>Notes that a worker died. Its pod is nobody's then, and so retired.</summary>
    public void Bury(ActiveBatch job, BatchAction.BuryWorker bury)
    {
        var place = job.Places[bury.Place];
        var pod = place.Pod;
        place.Busy = true;
        Run(async () =>
        {
            var lines = pod is null ? [] : await LogTail.ReadAsync(
                token => context.Runtime.ReadLogsAsync(pod.Id, new LogQuery { Tail = Options.LastLogLines }, token),
                Options.LastLogLines,
                context.Time,
                exception => context.Logger.NoLogs(exception, pod.Id),
                _stop);
            Post(() =>
            {
                place.Busy = false;
                job.Bury(bury.Place, pod, bury.OfMemory, bury.Reason, lines, Options, Now);
                context.Logger.WorkerDied(job.Record.Id, job.Record.ApiName, bury.Reason);
            });
        });
    }

    /// <summary>Ends a worker of a job that is being ended.</summary>
    public void Delete(ActiveBatch job, int index)
    {
        var place = job.Places[index];
        if (place.Pod is not { } pod)
        {
            return;
        }

        place.Busy = true;
        var closing = CloseAsync(job);
        Run(async () =>
        {
            Exception? trouble = null;
            try
            {
                await closing;
                await _retirement.EndAsync(pod, job.Record, _stop);
            }
            catch (Exception exception) when (!_stop.IsCancellationRequested)
            {
                trouble = exception;
                await Task.Delay(Options.RetryDelay, context.Time, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            Post(() => place.Busy = false);
            if (trouble is not null)
            {
                context.Logger.NotRetired(trouble, pod.Id);
            }
        });
    }

    /// <summary>Removes a pod that no job waits for any more, once its logs are kept.</summary>
    public async Task RetireAsync(PodStatus pod)
    {
        var job = await context.Store.FindAsync(pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""), ApiKind.BatchAPI, pod.Labels[PodLabels.JobId], _stop);
        await _retirement.EndAsync(pod, job, _stop);
    }

    /// <summary>Tells a worker that all batches are finished.</summary>
    public void Tell(ActiveBatch job, int index)
    {
        if (Address(job.Places[index].Pod) is not { } worker)
        {
            return;
        }

        var ending = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        (job.Completion, job.Telling) = (JobCompletion.Telling, ending);
        Run(async () =>
        {
            var (told, trouble) = (false, "");
            Exception? fault = null;   // not the worker's
            try
            {
                (told, trouble) = await TellAsync(job, worker, ending.Token);
            }
            catch (Exception exception) when (!_stop.IsCancellationRequested)
            {
                fault = ending.IsCancellationRequested ? null : exception;
            }

            Post(() =>
            {
                ending.Dispose();
                job.Telling = null;
                (job.Completion, job.TellAt) = told ? (JobCompletion.Told, default(DateTimeOffset?)) : (JobCompletion.Untold, Now + _lookPause);
            });
            if (trouble.Length > 0)
            {
                context.Logger.ToldBadly(worker.Id, job.Record.Id, trouble);
            }

            if (fault is not null)
            {
                context.Logger.JobStepFailed(fault, job.Record.Id, job.Record.ApiName);
            }
        });
    }

    /// <summary>Ends giving batches to workers; calls in progress are broken off.</summary>
    public static Task CloseAsync(ActiveBatch job) => job.Closing ??= job.Work?.CloseAsync(TimeSpan.Zero) ?? Task.CompletedTask;

    /// <summary>Where a pod takes requests; null when it takes none.</summary>
    public static ReplicaAddress? Address(PodStatus? pod) =>
        pod is { State: PodState.Ready, Address: { } address } ? new ReplicaAddress(pod.Id, address.Host, address.Port, 0) : null;

    /// <summary>Comes back to the loop with a change.</summary>
    public void Post(Action change)
    {
        _changes.Enqueue(change);
        context.Signal.Wake();
    }

    /// <summary>Ends a job for good: first the record says so, then what it need not keep goes.</summary>
    public async Task EndAsync(ActiveBatch job, JobStatus status, string message, Task closed)
    {
        await closed;
        if (job.Part.Enqueued.Done && (!job.Enqueued.Done || job.Tally.IsUnsure))
        {
            var (left, given) = await context.Queues.CountAsync(job.Part.Queue, _stop);
            job.Tally.Set(left, given);
            job.Enqueued = job.Part.Enqueued;
        }

        var (total, remaining, failed) = (job.Enqueued, job.Tally.Remaining, job.Tally.Failed);
        var failedEarly = status is not (JobStatus.Succeeded or JobStatus.CompletedWithFailures);
        await SaveAsync(job, record => record with
        {
            Status = status,
            EndedAt = Now > record.CreatedAt ? Now : record.CreatedAt,
            Message = message,
            ExitCode = failedEarly ? job.LastExitCode : null,
            LastLogLines = failedEarly ? job.LastLines : [],
            Batch = record.Batch! with { Succeeded = total.Done ? total.Batches - remaining - failed : 0, Failed = total.Done ? failed : 0 },
        });
        var ended = job.Record;

        // Its pods are nobody's now: the next look keeps their logs and removes them.
        context.Jobs.TryRemove(ended.Id, out _);
        job.Ended.TrySetResult();
        Run(() => CleanAsync(() => LeaveAsync(ended)));
        context.Logger.Ended(ended.Id, ended.ApiName, ended.Status.Code(), ended.Batch!.Succeeded, ended.Batch.Failed, ended.Message);
    }

    /// <summary>Does something whose failure is made good by the next sweep.</summary>
    public async Task CleanAsync(Func<Task> clean)
    {
        try
        {
            await clean();
        }
        catch (Exception exception) when (!_stop.IsCancellationRequested)
        {
            context.Logger.NotTrimmed(exception);
        }
        catch (Exception)
        {
            // The server stops; the next process sweeps.
        }
    }

    private static byte[] HeaderLines(string jobId) => Encoding.ASCII.GetBytes($"Content-Type: application/json\r\nX-Cortex-Job-ID: {jobId}\r\n");

    private async Task LeaveAsync(JobRecord job)
    {
        await context.Queues.EndAsync(job, _stop);
        if (job.Forget)
        {
            await context.Store.RemoveAsync(job.Id, _stop);
            context.Logs.Remove(job.ApiName, job.Id);
        }

        foreach (var id in await context.Store.TrimAsync(job.ApiName, ApiKind.BatchAPI, _stop))
        {
            context.Logs.Remove(job.ApiName, id);
            await context.Queues.DeleteAsync(Enqueuer.QueueOf(job.ApiName, id), id, _stop);
        }
    }

    // Whether it answered, whatever it was, or lives although it gave no answer; and what was not as it should be.
    private async Task<(bool Told, string Trouble)> TellAsync(ActiveBatch job, ReplicaAddress worker, CancellationToken cancellationToken)
    {
        var answer = await context.Work.PostAsync(worker, "/on-job-complete", HeaderLines(job.Record.Id), _complete, cancellationToken);
        if (answer.Status is { } status)
        {
            return (true, status is 200 or 404 ? "" : $"status {status}");
        }

        if (answer.IsUnreachable)
        {
            return (false, "");
        }

        // The news of its death may come later than the end of its connection.
        for (var waited = TimeSpan.Zero; waited < context.Options.Dispatch.ReplicaEndWait; waited += _lookPause)
        {
            if (context.Runtime.List().FirstOrDefault(pod => pod.Id == worker.Id) is not { State: PodState.Ready or PodState.NotReady })
            {
                return (false, "");
            }

            await Task.Delay(_lookPause, context.Time, cancellationToken);
        }

        return (true, answer.Trouble);
    }
}
