using System.Runtime.CompilerServices;
using Cortex.Dispatch.Workers;
using Cortex.Background;
using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Items;
using Cortex.Jobs.Batch.Running;
using Cortex.Jobs.Batch.Sources;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Jobs.Loop;
using Cortex.Jobs.Storing;
using Cortex.Queues;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Batch;

/// <summary>Runs the jobs of Batch APIs: puts their items into queues, starts their workers, gives them batches, and keeps what they leave.</summary>
/// <remarks>
/// One loop decides. What must outlive the process is in the stores before anything is done: items and batches in the queue store, which alone says what became of each
/// batch, and decisions in the store of jobs. A worker's pod follows from its job, place and generation. So the next process goes on wherever this one was killed.
/// </remarks>
public sealed class BatchController : IAsyncDisposable
{
    private readonly BatchContext _context;
    private readonly BatchLoop _loop;
    private readonly SourceStorages _storages;
    private readonly BatchQueues _queues;
    private readonly SubmittedItems _items;
    private readonly IJobStore _store;
    private readonly IContainerRuntime _runtime;
    private readonly BatchOptions _options;
    private readonly TimeIdGenerator _ids;
    private readonly TimeProvider _time;
    private bool _began;

    /// <summary>Takes over the jobs that have not ended; nothing runs yet.</summary>
    /// <param name="store">Every job.</param>
    /// <param name="unfinished">Those of Batch APIs that have not ended.</param>
    /// <param name="queues">Where batches and submitted items are; started and disposed of by the caller.</param>
    /// <param name="runtime">Runs the workers; started before <see cref="RunAsync"/>.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="host">What the cluster knows of APIs.</param>
    /// <param name="ids">Makes job ids, below that of <see cref="IJobStore.GetNewestIdAsync"/>; the same one for every kind of job.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Makes its loggers.</param>
    public BatchController(
        IJobStore store, IReadOnlyList<JobRecord> unfinished, IQueueStore queues, IContainerRuntime runtime, BatchOptions options, JobHost host, TimeIdGenerator ids, TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(unfinished);
        ArgumentNullException.ThrowIfNull(queues);
        ArgumentNullException.ThrowIfNull(options);
        (_store, _runtime, _options, _ids, _time) = (store, runtime, options, ids, new SteadyTime(time));
        _storages = new SourceStorages(options.Sources, time);
        _items = new SubmittedItems(queues.Blobs, options.Limits);
        _queues = new BatchQueues(queues, _items);
        _context = new BatchContext
        {
            Store = store,
            Queues = _queues,
            Items = _items,
            Enqueuer = new Enqueuer(queues, _storages, options.Limits, options.Enqueue, time),
            Runtime = runtime,
            Work = new WorkService(queues, options.Dispatch, time, loggers),
            Options = options,
            Host = host,
            Time = _time,
            Logs = new JobLogs(options.Jobs.LogFolder, options.Jobs.Limits.LogSize),
            Logger = loggers.CreateLogger<BatchController>(),
            Signal = new WakeSignal(_time),
            Beside = new BackgroundWork(loggers.CreateLogger<BatchController>(), time),
        };
        _loop = new BatchLoop(_context);
        Submissions = new BatchSubmissionReader(options.Limits, _storages);
        foreach (var record in unfinished)
        {
            var job = _context.Jobs[record.Id] = new ActiveBatch(record);
            if (record.Status != JobStatus.Pending)
            {
                job.Admit();
            }
        }
    }

    /// <summary>What workers have written, once they are gone: for each worker that is kept one number, see <see cref="JobLogs.Kept"/>.</summary>
    public JobLogs Logs => _context.Logs;

    /// <summary>Reads and checks submissions by the cluster's bounds and sources.</summary>
    public BatchSubmissionReader Submissions { get; }

    /// <summary>Makes the loop look at everything soon.</summary>
    public void Wake() => _context.Signal.Wake();

    /// <summary>Accepts a job that was read by <see cref="Submissions"/>. Once this returns, it is run whatever happens to this process.</summary>
    /// <param name="api">The version that it runs.</param>
    /// <param name="submission">What was asked for; whether there are files (rule 15) is checked here.</param>
    /// <param name="cancellationToken">Gives up before it is accepted.</param>
    /// <exception cref="CortexException">There are no files, or too many jobs have not ended.</exception>
    public Task<JobRecord> SubmitAsync(DeployedSpec api, BatchSubmission submission, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(submission);
        return SubmitAsync(api, submission.Settings, ConfigOf(submission.Settings), null, submission.ScheduledAt, async id =>
        {
            if (submission.Settings.Source == BatchSource.ItemList)
            {
                await _items.StoreAsync(id, submission, cancellationToken);
            }
            else
            {
                await Submissions.CheckFilesAsync(submission.Settings, cancellationToken);
            }
        }, cancellationToken);
    }


    /// <summary>As <see cref="SubmitAsync(DeployedSpec, BatchSubmission, CancellationToken)"/>, with items that come as JSON values one after the other, however many.</summary>
    /// <param name="api">The version that it runs.</param>
    /// <param name="settings">From <see cref="BatchSubmissionReader.ReadQuery"/>.</param>
    /// <param name="items">The items; stays its owner's.</param>
    /// <param name="cancellationToken">Gives up before it is accepted.</param>
    /// <exception cref="CortexException">An item is not valid, or too many jobs have not ended.</exception>
    public Task<JobRecord> SubmitAsync(DeployedSpec api, BatchSettings settings, Stream items, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return SubmitAsync(api, settings, ConfigOf(settings), null, null, id => _items.StoreAsync(id, items, cancellationToken), cancellationToken);
    }


    /// <summary>Checks what a submission checks beyond its text, and stores nothing. Returns the names of its files; none for submitted items.</summary>
    /// <param name="settings">What was asked for.</param>
    /// <param name="items">Items that come with it as a stream; null otherwise.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CortexException">Thrown by the first step, when there are no files or an item is not valid, or later when files can't be listed.</exception>
    public async IAsyncEnumerable<string> DryRunAsync(BatchSettings settings, Stream? items, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (items is not null)
        {
            await _items.CheckAsync(items, cancellationToken);
        }

        if (settings.Source == BatchSource.ItemList)
        {
            yield break;
        }

        await Submissions.CheckFilesAsync(settings, cancellationToken);
        await foreach (var file in Submissions.ListFilesAsync(settings, cancellationToken))
        {
            yield return file;
        }
    }


    /// <summary>Decides to end a job. Its workers get SIGTERM soon, and SIGKILL after the grace.</summary>
    /// <exception cref="CortexException">There is no such job, or it has ended.</exception>
    public async Task StopAsync(string apiName, string jobId)
    {
        var stopped = _context.Jobs.TryGetValue(jobId, out var job) && IsOf(job.Record, apiName) && await StopAsync(job, "it was stopped", forget: false);
        if (!stopped)
        {
            var ended = await FindAsync(apiName, jobId, CancellationToken.None) ?? throw NotFound(apiName, jobId);
            throw new CortexException("job.job_is_not_in_progress", $"job {jobId} of {apiName} has ended ({ended.Record.Status.Code()}), so it can't be stopped");
        }
    }


    /// <summary>Ends every job of an API that was deleted.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="keepHistory">Whether its jobs are kept.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task DeleteApiAsync(string apiName, bool keepHistory, CancellationToken cancellationToken)
    {
        var jobs = _context.Jobs.Values.Where(job => job.Record.ApiName == apiName).ToList();
        await Task.WhenAll(jobs.Select(job => StopAsync(job, "its API was deleted", forget: !keepHistory))).WaitAsync(cancellationToken);
        if (keepHistory)
        {
            return;
        }

        _context.Totals.Remove(apiName);
        foreach (var id in await _store.RemoveEndedAsync(apiName, ApiKind.BatchAPI, cancellationToken))
        {
            Logs.Remove(apiName, id);
            await _queues.DeleteAsync(Enqueuer.QueueOf(apiName, id), id, cancellationToken);
        }
    }


    /// <summary>A job of an API, or null. Its <see cref="JobView.Batch"/> is set.</summary>
    public async Task<JobView?> FindAsync(string apiName, string jobId, CancellationToken cancellationToken)
    {
        if (_context.Jobs.TryGetValue(jobId, out var job))
        {
            return IsOf(job.Record, apiName) ? View(job) : null;
        }

        return await _store.FindAsync(apiName, ApiKind.BatchAPI, jobId, cancellationToken) is { Forget: false } record ? View(record) : null;
    }


    /// <summary>Of each of some APIs the jobs that have not ended, and ended ones until there are <paramref name="count"/>, newest first.</summary>
    public async Task<ILookup<string, JobView>> ListAsync(IReadOnlyCollection<string> apiNames, int count, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(apiNames);
        var active = _context.Jobs.Values.Select(View).ToList();
        return JobLists.Of(apiNames, count, active, await _store.GetEndedAsync(apiNames, ApiKind.BatchAPI, count, cancellationToken), View);
    }

    /// <summary>Returns when the job has ended, or when the time is up.</summary>
    public async Task WaitForEndAsync(string jobId, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_context.Jobs.TryGetValue(jobId, out var job))
        {
            try
            {
                await job.Ended.Task.WaitAsync(timeout, _time, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Whoever asks sees that it has not ended.
            }
        }
    }


    /// <summary>The workers of a job that exist now, by place.</summary>
    public IReadOnlyList<PodStatus> Pods(JobRecord job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return [.. _runtime.List().Where(pod => BatchPods.IsWorker(pod) && pod.Labels[PodLabels.JobId] == job.Id).OrderBy(BatchPods.Place).ThenBy(BatchPods.Generation)];
    }

    /// <summary>The number under which a worker's logs are kept in <see cref="Logs"/> once it is gone.</summary>
    public static int LogNumber(JobRecord job, PodStatus pod)
    {
        ArgumentNullException.ThrowIfNull(job);
        return BatchPods.LogNumber(job.Workers, BatchPods.Place(pod), BatchPods.Generation(pod));
    }


    /// <summary>Whether a pod belongs to a batch job, and so to nobody else.</summary>
    public static bool Owns(PodStatus pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return BatchPods.IsWorker(pod);
    }


    /// <summary>Lists batches that a job gave up.</summary>
    /// <param name="apiName">The API.</param>
    /// <param name="jobId">The job, ended or not.</param>
    /// <param name="limit">At most so many; 1 to 1000.</param>
    /// <param name="cursor">An earlier page's <see cref="DeadLetterPage.Next"/>; null for the first page.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CortexException">There is no such job, or the cursor is none.</exception>
    public async Task<DeadLetterPage> DeadLettersAsync(string apiName, string jobId, int limit, string? cursor, CancellationToken cancellationToken)
    {
        var job = await FindAsync(apiName, jobId, cancellationToken) ?? throw NotFound(apiName, jobId);
        return await _queues.DeadLettersAsync(job.Record.Batch!.Queue, limit, cursor, cancellationToken);
    }


    /// <summary>Puts the batches that an ended job gave up into a new job with the same settings; they stay with the old one.</summary>
    /// <param name="api">The version that the new job runs.</param>
    /// <param name="jobId">The old job.</param>
    /// <param name="workers">Workers of the new job; null for as many as the old one had.</param>
    /// <param name="cancellationToken">Gives up before it is accepted.</param>
    /// <exception cref="CortexException">There is no such job, it has not ended, or it gave up no batch.</exception>
    public async Task<JobRecord> RetryDeadLettersAsync(DeployedSpec api, string jobId, int? workers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(api);
        var old = (await FindAsync(api.Name, jobId, cancellationToken))?.Record ?? throw NotFound(api.Name, jobId);
        if (!old.Status.IsFinal())
        {
            throw new CortexException("job.job_is_in_progress", $"job {jobId} of {api.Name} has not ended; batches that it gave up can be tried again when it has");
        }

        if (workers < 1 || workers > _options.Limits.MaxWorkers)
        {
            throw new CortexException("error", $"workers: must be 1 to {_options.Limits.MaxWorkers} (got {workers})");
        }

        var settings = old.Batch!.Settings with { Source = BatchSource.ItemList, Paths = [], Includes = [], Excludes = [], Workers = workers ?? old.Workers };
        return await SubmitAsync(api, settings, await _store.GetConfigAsync(jobId, cancellationToken), jobId, null, async id =>
        {
            await using var dead = await _queues.OpenDeadAsync(old.Batch.Queue, cancellationToken)
                ?? throw new CortexException("job.no_dead_letters", $"job {jobId} of {api.Name} gave up no batch, so there is nothing to try again");
            await _items.StoreAsync(id, dead, cancellationToken);
        }, cancellationToken);
    }


    /// <summary>Writes the metrics of batch jobs in the Prometheus text format.</summary>
    public void WriteMetrics(TextWriter writer) => _context.Totals.Write(writer);

    /// <summary>Runs until cancelled. Workers go on running.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_began)
        {
            _began = true;
            _context.Work.Start();
            _context.Beside.StartLoop("the watch of batch jobs' workers", token => _context.Signal.FollowAsync(_runtime, _options.Jobs.RetryDelay, _context.Logger.WatchFailed, token));
        }

        try
        {
            await _loop.RunAsync(cancellationToken);
        }
        finally
        {
            // After an error the loop begins anew, and what runs beside it goes on.
            if (cancellationToken.IsCancellationRequested)
            {
                await _context.Beside.DisposeAsync();
                await _context.Work.DisposeAsync();
            }
        }
    }


    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _context.Beside.DisposeAsync();
        _storages.Dispose();
    }

    // One whose API was deleted with its history belongs to none of that name that comes later.
    private static bool IsOf(JobRecord job, string apiName) => job.ApiName == apiName && !job.Forget;

    private static CortexException NotFound(string apiName, string jobId) =>
        new("job.not_found", $"{apiName} has no job {jobId}; `cortex get {apiName}` lists its jobs");

    private static byte[] ConfigOf(BatchSettings settings) =>
        settings.Config is { } config ? System.Text.Encoding.UTF8.GetBytes(config.GetRawText()) : "null"u8.ToArray();

    private static JobView View(ActiveBatch job) => new(job.Record, job.Message, null, job.Progress);

    private static JobView View(JobRecord job) => new(job, job.Message, null, job.Batch is not { } batch ? null : new BatchProgress
    {
        TotalBatches = batch.Enqueued.Batches,
        IsEnqueued = batch.Enqueued.Done,
        Succeeded = batch.Succeeded,
        Failed = batch.Failed,
        AverageSeconds = batch.TimedBatches > 0 ? batch.Seconds / batch.TimedBatches : null,
    });

    // Items first, then the job: what a killed process leaves of the former is swept away.
    private async Task<JobRecord> SubmitAsync(
        DeployedSpec api, BatchSettings settings, byte[] config, string? retryOf, DateTimeOffset? scheduledAt, Func<string, Task> storeItems, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(api);
        if (_context.Jobs.Count + _context.Submitting.Count >= _options.Jobs.Limits.MaxUnfinished)
        {
            throw new CortexException("job.too_many_unfinished", $"{_context.Jobs.Count} batch jobs have not ended, as many as jobs.max_unfinished in the cluster configuration allows; try again when some have");
        }

        var id = _ids.Next().ToString();
        _context.Submitting[id] = true;
        try
        {
            await storeItems(id);
            cancellationToken.ThrowIfCancellationRequested();
            var job = new JobRecord
            {
                Id = id,
                ApiName = api.Name,
                Kind = api.Kind,
                ApiId = api.Id,
                SpecId = api.SpecId,
                PodId = api.PodId,
                Workers = settings.Workers,
                Timeout = settings.Timeout,
                Priority = api.Jobs?.Priority ?? 0,
                CreatedAt = _time.GetUtcNow(),
                ScheduledAt = scheduledAt,
                Batch = new BatchPart { Settings = settings with { Config = null }, Queue = Enqueuer.QueueOf(api.Name, id), RetryOf = retryOf },
            };

            // Not cancelled with the caller: a job that was stored after all must also run.
            await _store.AddAsync(job, config, api, CancellationToken.None);
            _context.Jobs[id] = new ActiveBatch(job);
            Wake();
            return job;
        }
        catch (Exception exception) when (exception is not StoreUnavailableException)
        {
            // Otherwise the job may have been stored all the same: if not, its items are swept away at the next start.
            await _items.DeleteAsync(id, CancellationToken.None);
            throw;
        }
        finally
        {
            _context.Submitting.TryRemove(id, out _);
        }
    }

    private async Task<bool> StopAsync(ActiveBatch job, string message, bool forget)
    {
        var changed = await job.ChangeAsync(_store, record => record.Status.IsFinal() ? null : record with
        {
            Ending = record.Ending ?? new JobEnding(JobStatus.Stopped, _time.GetUtcNow(), message),
            Forget = record.Forget || forget,
        }, CancellationToken.None);
        Wake();
        return changed;
    }
}
