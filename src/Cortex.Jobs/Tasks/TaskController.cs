using System.Collections.Concurrent;
using Cortex.Background;
using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Loop;
using Cortex.Jobs.Storing;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Tasks;

/// <summary>Runs the jobs of Task APIs: starts their pods in order, sees how they end, and keeps what they leave.</summary>
/// <remarks>
/// One loop decides; what it starts runs beside it, at most one step per job at a time. What must outlive the process is
/// in the store before anything is done, and a pod's id follows from its job, so that the next process goes on wherever
/// this one was killed.
/// </remarks>
public sealed partial class TaskController : IAsyncDisposable
{
    private const int MaxKeepTries = 5;
    private static readonly TimeSpan _trimInterval = TimeSpan.FromHours(1);

    private readonly IJobStore _store;
    private readonly IContainerRuntime _runtime;
    private readonly JobOptions _options;
    private readonly JobHost _host;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TimeIdGenerator _ids;
    private readonly TaskTotals _totals = new();
    private readonly WakeSignal _wake;
    private readonly ConcurrentDictionary<string, ActiveJob> _jobs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _retiring = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _keepFailures = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _retirements;
    private readonly BackgroundWork _beside;
    private bool _watches;
    private DateTimeOffset _nextTrim = DateTimeOffset.MinValue;

    /// <summary>Takes over the jobs that have not ended; nothing runs yet.</summary>
    /// <param name="store">Every job.</param>
    /// <param name="unfinished">Those of Task APIs that have not ended.</param>
    /// <param name="runtime">Runs their pods; started before <see cref="RunAsync"/>.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="host">What the cluster knows of APIs.</param>
    /// <param name="ids">Makes job ids, below that of <see cref="IJobStore.GetNewestIdAsync"/>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where to log.</param>
    public TaskController(
        IJobStore store, IReadOnlyList<JobRecord> unfinished, IContainerRuntime runtime, JobOptions options, JobHost host, TimeIdGenerator ids, TimeProvider time, ILogger<TaskController> logger)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(unfinished);
        ArgumentNullException.ThrowIfNull(options);
        _store = store;
        _runtime = runtime;
        _options = options;
        _host = host;
        _ids = ids;
        _time = new SteadyTime(time);
        _logger = logger;
        _wake = new WakeSignal(_time);
        _beside = new BackgroundWork(logger, time);
        _retirements = new SemaphoreSlim(options.Limits.ParallelStarts);
        Logs = new JobLogs(options.LogFolder, options.Limits.LogSize);
        foreach (var job in unfinished)
        {
            _jobs[job.Id] = new ActiveJob(job);
        }
    }

    /// <summary>What jobs have written, once their pods are gone.</summary>
    public JobLogs Logs { get; }

    /// <summary>Makes the loop look at everything soon.</summary>
    public void Wake() => _wake.Wake();

    /// <summary>Accepts a job. Once this returns, it is run whatever happens to this process.</summary>
    /// <param name="api">The version that it runs.</param>
    /// <param name="submission">What was asked for.</param>
    /// <exception cref="CortexException">Too many jobs have not ended.</exception>
    public async Task<JobRecord> SubmitAsync(DeployedSpec api, TaskSubmission submission)
    {
        ArgumentNullException.ThrowIfNull(api);
        ArgumentNullException.ThrowIfNull(submission);
        if (_jobs.Count >= _options.Limits.MaxUnfinished)
        {
            throw new CortexException("job.too_many_unfinished", $"{_jobs.Count} jobs have not ended, as many as jobs.max_unfinished in the cluster configuration allows; try again when some have");
        }

        var job = new JobRecord
        {
            Id = _ids.Next().ToString(),
            ApiName = api.Name,
            Kind = api.Kind,
            ApiId = api.Id,
            SpecId = api.SpecId,
            PodId = api.PodId,
            Timeout = submission.Timeout,
            Priority = submission.Priority ?? api.Jobs?.Priority ?? 0,
            MaxAttempts = api.Jobs?.MaxAttempts ?? 1,
            ScheduledAt = submission.ScheduledAt,
            CreatedAt = _time.GetUtcNow(),
        };

        // Not cancelled with the caller: a job that was stored after all must also run.
        await _store.AddAsync(job, submission.Config, api, CancellationToken.None);
        _jobs[job.Id] = new ActiveJob(job);
        Wake();
        return job;
    }

    /// <summary>Decides to end a job. Its processes get SIGTERM soon, and SIGKILL after the grace.</summary>
    /// <exception cref="CortexException">There is no such job, or it has ended.</exception>
    public async Task StopAsync(string apiName, string jobId)
    {
        var stopped = _jobs.TryGetValue(jobId, out var job) && IsOf(job.Record, apiName)
            && await StopAsync(job, "it was stopped", forget: false);
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
        var jobs = _jobs.Values.Where(job => job.Record.ApiName == apiName).ToList();
        await Task.WhenAll(jobs.Select(job => StopAsync(job, "its API was deleted", forget: !keepHistory))).WaitAsync(cancellationToken);
        if (!keepHistory)
        {
            foreach (var id in await _store.RemoveEndedAsync(apiName, ApiKind.TaskAPI, cancellationToken))
            {
                Logs.Remove(apiName, id);
            }

            _totals.Remove(apiName);
        }
    }

    /// <summary>A job of an API, or null.</summary>
    public async Task<JobView?> FindAsync(string apiName, string jobId, CancellationToken cancellationToken)
    {
        if (_jobs.TryGetValue(jobId, out var job))
        {
            return IsOf(job.Record, apiName) ? View(job, _runtime.List().FirstOrDefault(pod => pod.Id == job.PodId)) : null;
        }

        return await _store.FindAsync(apiName, ApiKind.TaskAPI, jobId, cancellationToken) is { Forget: false } record ? new JobView(record, record.Message, null) : null;
    }

    /// <summary>Of each of some APIs the jobs that have not ended, and ended ones until there are <paramref name="count"/>, newest first.</summary>
    public async Task<ILookup<string, JobView>> ListAsync(IReadOnlyCollection<string> apiNames, int count, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(apiNames);
        var pods = _runtime.List().Where(TaskPods.IsWorker).ToDictionary(pod => pod.Id, StringComparer.Ordinal);
        var active = _jobs.Values.Select(job => View(job, pods.GetValueOrDefault(job.PodId))).ToList();
        return JobLists.Of(apiNames, count, active, await _store.GetEndedAsync(apiNames, ApiKind.TaskAPI, count, cancellationToken), job => new JobView(job, job.Message, null));
    }

    /// <summary>Returns when the job has ended, or when the time is up.</summary>
    public async Task WaitForEndAsync(string jobId, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_jobs.TryGetValue(jobId, out var job))
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

    /// <summary>The pod of a job's present attempt; null when there is none.</summary>
    public PodStatus? Pod(JobRecord job)
    {
        ArgumentNullException.ThrowIfNull(job);
        var id = TaskPods.PodId(job);
        return _runtime.List().FirstOrDefault(pod => pod.Id == id);
    }

    /// <summary>The id of the pod of a job's present attempt.</summary>
    public static string PodId(JobRecord job) => TaskPods.PodId(job);

    /// <summary>Whether a pod belongs to a task job, and so to nobody else.</summary>
    public static bool Owns(PodStatus pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return TaskPods.IsWorker(pod);
    }

    /// <summary>Writes the metrics of task jobs in the Prometheus text format.</summary>
    public void WriteMetrics(TextWriter writer) => _totals.Write(writer);

    /// <summary>Runs until cancelled. Pods go on running.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_watches)
        {
            _watches = true;
            _beside.StartLoop("the watch of task jobs' pods", token => _wake.FollowAsync(_runtime, _options.RetryDelay, LogWatchFailed, token));
            _beside.Start("removing the logs of forgotten jobs", _ => TrimAsync(RemoveUnknownLogsAsync, _beside.Stopping));
        }

        try
        {
            while (true)
            {
                var next = _time.GetUtcNow() + _options.Resync;
                try
                {
                    next = Step(_beside.Stopping);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    LogStepFailed(exception);
                }

                await _wake.WaitAsync(next, cancellationToken);
            }
        }
        finally
        {
            // After an error the loop begins anew, and what runs beside it goes on.
            if (cancellationToken.IsCancellationRequested)
            {
                await _beside.DisposeAsync();
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _beside.DisposeAsync();
        _retirements.Dispose();
    }

    // One whose API was deleted with its history belongs to none of that name that comes later.
    private static bool IsOf(JobRecord job, string apiName) => job.ApiName == apiName && !job.Forget;

    private static CortexException NotFound(string apiName, string jobId) =>
        new("job.not_found", $"{apiName} has no job {jobId}; `cortex get {apiName}` lists its jobs");

    // Looks at everything once, starts what has to be done, and tells when to look again at the latest.
    private DateTimeOffset Step(CancellationToken cancellationToken)
    {
        // Pods first: a pod in this list whose job is not in the list of jobs below belongs to a job that has ended.
        var pods = _runtime.List().Where(TaskPods.IsWorker).ToDictionary(pod => pod.Id, StringComparer.Ordinal);
        var now = _time.GetUtcNow();
        var next = now + _options.Resync;
        var gate = new StartGate(new StartLimits(_options.Limits.MaxConcurrent, _options.Limits.ParallelStarts), name => _host.Deployed(name)?.Jobs?.MaxConcurrent);
        var waiting = new List<ActiveJob>();
        foreach (var job in _jobs.Values)
        {
            var busy = job.Busy;
            var record = job.Record;
            var pod = pods.GetValueOrDefault(TaskPods.PodId(record));
            pods.Remove(TaskPods.PodId(record));
            job.See(pod, now);
            if (job.AskedAt is not null)
            {
                gate.Add(record.ApiName, job.Phase(pod, now, _options.SlowStart));
            }

            // Whatever is under way looks again when it is through.
            if (busy)
            {
                continue;
            }

            if (job.RetryAt > now)
            {
                next = Sooner(next, job.RetryAt, now);
                continue;
            }

            next = Sooner(next, record.NotBefore, now);
            next = Sooner(next, record.Deadline, now);
            next = Sooner(next, job.NoImageSince + _options.Limits.ImageTimeout, now);
            var step = record.Ending is null && _host.Deployed(record.ApiName)?.Kind != ApiKind.TaskAPI
                ? new TaskStep.Stop(new JobEnding(JobStatus.Stopped, now, "its API was deleted"))
                : TaskJobRule.Next(record, pod, job.NoImageSince, now, _options.Limits.ImageTimeout);
            if (step is TaskStep.Start)
            {
                waiting.Add(job);
            }
            else
            {
                Do(job, step, pod, cancellationToken);
            }
        }

        StartSome(waiting, gate, now, cancellationToken);
        foreach (var pod in pods.Values)
        {
            Retire(pod, cancellationToken);
        }

        if (now >= _nextTrim)
        {
            _nextTrim = now + _trimInterval;
            _beside.Start("removing old jobs", _ => TrimAsync(TrimOldAsync, cancellationToken));
        }

        return next;
    }

    private static DateTimeOffset Sooner(DateTimeOffset next, DateTimeOffset? other, DateTimeOffset now) => other > now && other < next ? other.Value : next;

    private void StartSome(List<ActiveJob> waiting, StartGate gate, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var job in waiting.OrderBy(job => job.Record, StartOrder.Instance))
        {
            if (gate.Enter(job.Record.ApiName) is { } reason)
            {
                job.WaitsFor = reason;
            }
            else
            {
                job.WaitsFor = "";
                job.AskedAt = now;
                Begin(job, () => CreatePodAsync(job, cancellationToken), cancellationToken);
            }
        }
    }

    private void Do(ActiveJob job, TaskStep step, PodStatus? pod, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case TaskStep.Wait wait:
                job.WaitsFor = wait.Message;
                break;
            case TaskStep.Run run:
                Begin(job, () => job.ChangeAsync(_store, record => record with { Status = JobStatus.Running, StartedAt = run.StartedAt, Message = "" }, cancellationToken), cancellationToken);
                break;
            case TaskStep.Stop stop:
                Begin(job, () => StopPodAsync(job, stop.Ending, pod, cancellationToken), cancellationToken);
                break;
            case TaskStep.Retry retry:
                Begin(job, () => RetryAsync(job, retry, cancellationToken), cancellationToken);
                break;
            case TaskStep.End end:
                Begin(job, () => EndAsync(job, end, pod, cancellationToken), cancellationToken);
                break;
            default:
                throw new InvalidOperationException($"unknown step {step}");
        }
    }

    private void Begin(ActiveJob job, Func<Task> step, CancellationToken cancellationToken)
    {
        job.Busy = true;
        _beside.Start("a step of a job", async _ =>
        {
            try
            {
                await step();
                job.Passed();
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                // The server stops, and with it the store; the next process decides anew.
            }
            catch (Exception exception)
            {
                job.Failed(exception.Message, _options, _time.GetUtcNow());
                LogJobStepFailed(exception, job.Record.Id, job.Record.ApiName);
            }
            finally
            {
                job.Busy = false;
                Wake();
            }
        });
    }

    private async Task CreatePodAsync(ActiveJob job, CancellationToken cancellationToken)
    {
        var record = job.Record;
        var spec = await _store.GetSpecAsync(record.ApiId, cancellationToken) ?? throw new InvalidDataException($"the specification of job {record.Id} is missing in the store of jobs");
        var json = JobJson.Task(record, await _store.GetConfigAsync(record.Id, cancellationToken), indented: true);
        await _runtime.CreateAsync(TaskPods.Worker(_host.MakePod(spec), record, json, _options.Limits.TerminationGrace, _options.Limits.HelperGrace), cancellationToken);
    }

    private async Task StopPodAsync(ActiveJob job, JobEnding ending, PodStatus? pod, CancellationToken cancellationToken)
    {
        await job.ChangeAsync(_store, record => record.Ending is null ? record with { Ending = ending } : null, cancellationToken);
        if (pod is null)
        {
            return;
        }

        // Followed until the end: what it writes while it is being ended is worth the most.
        var record = job.Record;
        using var bound = new TimeLimit(Timeout.InfiniteTimeSpan, _time, cancellationToken);
        var keeping = Logs.KeepAsync(record.ApiName, record.Id, record.Attempt, _runtime.ReadLogsAsync(pod.Id, new LogQuery { Follow = true }, bound.Token), bound.Token);
        await _runtime.DeleteAsync(pod.Id, _options.Limits.TerminationGrace, cancellationToken);
        bound.Restart(LogTail.Timeout);
        await WithoutLogsAsync(keeping, record, cancellationToken);
    }

    private async Task RetryAsync(ActiveJob job, TaskStep.Retry retry, CancellationToken cancellationToken)
    {
        await job.ChangeAsync(_store, record =>
        {
            var pause = _options.Retries.After(record.Attempt);
            pause = retry.Interrupted && pause < _options.InterruptedRetryDelay ? _options.InterruptedRetryDelay : pause;
            return record.Ending is not null ? null : record with
            {
                Attempt = record.Attempt + 1,
                Status = JobStatus.Pending,
                NotBefore = _time.GetUtcNow() + pause,
                Message = $"attempt {record.Attempt} of {record.MaxAttempts} failed: {retry.Message}",
            };
        }, cancellationToken);
        job.AskedAt = null;
    }

    private async Task EndAsync(ActiveJob job, TaskStep.End end, PodStatus? pod, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> lines = [];
        if (end.Status != JobStatus.Succeeded)
        {
            lines = await LastLinesAsync(job.Record, pod, cancellationToken);
        }

        await job.ChangeAsync(_store, record => record with
        {
            Status = end.Status,
            EndedAt = end.At > record.CreatedAt ? end.At : record.CreatedAt,
            StartedAt = end.StartedAt,
            ExitCode = end.ExitCode,
            Message = end.Message,
            LastLogLines = lines,
        }, cancellationToken);
        var record = job.Record;
        LogEnded(record.Id, record.ApiName, record.Status.Code(), record.Message);
        if (record.Forget)
        {
            await _store.RemoveAsync(record.Id, cancellationToken);
        }

        // Its pod, if there is one, is nobody's now: the next look keeps its logs and removes it.
        _jobs.TryRemove(record.Id, out _);
        _totals.Add(record);
        job.Ended.TrySetResult();
        await TrimAsync(token => TrimAsync(record, token), cancellationToken);
    }

    private async Task<bool> StopAsync(ActiveJob job, string message, bool forget)
    {
        var changed = await job.ChangeAsync(_store, record => record.Status.IsFinal() ? null : record with
        {
            Ending = record.Ending ?? new JobEnding(JobStatus.Stopped, _time.GetUtcNow(), message),
            Forget = record.Forget || forget,
        }, CancellationToken.None);
        Wake();
        return changed;
    }

    private static JobView View(ActiveJob job, PodStatus? pod) => new(job.Record, job.Message, pod?.State);

    private Task<IReadOnlyList<string>> LastLinesAsync(JobRecord job, PodStatus? pod, CancellationToken cancellationToken) => LogTail.ReadAsync(
        token => pod is not null
            ? _runtime.ReadLogsAsync(pod.Id, new LogQuery { Tail = _options.LastLogLines }, token)
            : Logs.ReadAsync(job.ApiName, job.Id, job.Attempt, token),
        _options.LastLogLines,
        _time,
        exception => LogNoLogs(exception, job.Id, job.ApiName),
        cancellationToken);

    private async Task WithoutLogsAsync(Task reading, JobRecord job, CancellationToken cancellationToken)
    {
        try
        {
            await reading;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNoLogs(exception, job.Id, job.ApiName);
        }
    }

    // A pod that no job waits for any more: its logs are kept, then it goes.
    private void Retire(PodStatus pod, CancellationToken cancellationToken)
    {
        if (_retiring.TryAdd(pod.Id, true))
        {
            _beside.Start("removing a pod of a job", _ => RetireAsync(pod, cancellationToken));
        }
    }

    private async Task RetireAsync(PodStatus pod, CancellationToken cancellationToken)
    {
        try
        {
            await _retirements.WaitAsync(cancellationToken);
            try
            {
                var (apiName, jobId, attempt) = (pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""), pod.Labels[PodLabels.JobId], TaskPods.Attempt(pod));
                if (pod.State != PodState.Terminating && (await _store.GetKnownAsync([jobId], cancellationToken)).Count > 0)
                {
                    await KeepLogsAsync(pod, apiName, jobId, attempt, cancellationToken);
                }

                await _runtime.DeleteAsync(pod.Id, _options.Limits.TerminationGrace, cancellationToken);
            }
            finally
            {
                _retirements.Release();
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // The server stops; the next process finds the pod.
        }
        catch (Exception exception)
        {
            LogNotRetired(exception, pod.Id);
            await Task.Delay(_options.RetryDelay, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            _retiring.TryRemove(pod.Id, out _);
            Wake();
        }
    }

    // What it wrote is worth a few tries, but not a pod that holds its room for ever: the disk may stay full.
    private async Task KeepLogsAsync(PodStatus pod, string apiName, string jobId, int attempt, CancellationToken cancellationToken)
    {
        try
        {
            await Logs.KeepAsync(apiName, jobId, attempt, _runtime.ReadLogsAsync(pod.Id, new LogQuery(), cancellationToken), cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && _keepFailures.AddOrUpdate(pod.Id, 1, (_, tries) => tries + 1) >= MaxKeepTries)
        {
            LogNoLogs(exception, jobId, apiName);
        }

        _keepFailures.TryRemove(pod.Id, out _);
    }

    private async Task TrimAsync(JobRecord ended, CancellationToken cancellationToken)
    {
        if (ended.Forget)
        {
            Logs.Remove(ended.ApiName, ended.Id);
        }

        foreach (var jobId in await _store.TrimAsync(ended.ApiName, ApiKind.TaskAPI, cancellationToken))
        {
            Logs.Remove(ended.ApiName, jobId);
        }
    }

    private Task RemoveUnknownLogsAsync(CancellationToken cancellationToken) => Logs.RemoveUnknownAsync(ids => _store.GetKnownAsync(ids, cancellationToken));

    private async Task TrimOldAsync(CancellationToken cancellationToken)
    {
        if ((await _store.TrimOldAsync(ApiKind.TaskAPI, cancellationToken)).Count > 0)
        {
            await RemoveUnknownLogsAsync(cancellationToken);
        }
    }

    private async Task TrimAsync(Func<CancellationToken, Task> trim, CancellationToken cancellationToken)
    {
        try
        {
            await trim(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotTrimmed(exception);
        }
    }

    [LoggerMessage(7001, LogLevel.Error, "Could not look at the jobs; the next attempt follows within seconds.")]
    private partial void LogStepFailed(Exception exception);

    [LoggerMessage(7002, LogLevel.Error, "Could not go on with job {Job} of {Api}; it is tried again after a pause.")]
    private partial void LogJobStepFailed(Exception exception, string job, string api);

    [LoggerMessage(7003, LogLevel.Information, "Job {Job} of {Api} has ended: {Status}. {Message}")]
    private partial void LogEnded(string job, string api, string status, string message);

    [LoggerMessage(7004, LogLevel.Warning, "Could not read the logs of job {Job} of {Api}.")]
    private partial void LogNoLogs(Exception exception, string job, string api);

    [LoggerMessage(7005, LogLevel.Error, "Could not remove {Pod} of a job that has ended; it is tried again.")]
    private partial void LogNotRetired(Exception exception, string pod);

    [LoggerMessage(7006, LogLevel.Error, "Could not remove old jobs; it is tried again within the hour.")]
    private partial void LogNotTrimmed(Exception exception);

    [LoggerMessage(7007, LogLevel.Warning, "Lost sight of the runtime's changes; watching again after a pause.")]
    private partial void LogWatchFailed(Exception exception);
}
