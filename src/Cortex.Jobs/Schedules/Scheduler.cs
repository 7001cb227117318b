using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Cortex.Background;
using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Schedules;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Loop;
using Cortex.Jobs.Storing;
using Microsoft.Extensions.Logging;

namespace Cortex.Jobs.Schedules;

/// <summary>Submits the jobs that the schedules of APIs ask for.</summary>
/// <remarks>
/// What becomes of a run is stored before it is submitted, and a job knows the time of the run that it is. So the next process
/// submits a run that this one had decided on, unless the job is there: a run is neither lost nor doubled, whenever the process
/// is killed. One loop decides; what it decides on is done beside it, one step per API at a time.
/// </remarks>
public sealed partial class Scheduler : IAsyncDisposable
{
    private static readonly TimeSpan s_untilReplacedHasEnded = TimeSpan.FromMilliseconds(250);

    private readonly IJobStore _store;
    private readonly Dictionary<ApiKind, IScheduledJobs> _kinds;
    private readonly Func<IEnumerable<DeployedSpec>> _deployed;
    private readonly SchedulerOptions _options;
    private readonly TimeProvider _time;     // runs go by the time of day
    private readonly SteadyTime _steady;     // pauses do not
    private readonly ILogger _logger;
    private readonly WakeSignal _wake;
    private readonly ConcurrentDictionary<string, WatchedSchedule> _schedules = new(StringComparer.Ordinal);
    private readonly BackgroundWork _beside;

    /// <summary>Takes over how far each schedule is; nothing is submitted yet.</summary>
    /// <param name="store">Every job, and how far schedules are.</param>
    /// <param name="states">How far schedules are.</param>
    /// <param name="kinds">Submits the jobs of each kind; schedules of other kinds are left alone.</param>
    /// <param name="deployed">The version of every API that is deployed now.</param>
    /// <param name="options">How schedules are looked at.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where to log.</param>
    public Scheduler(
        IJobStore store, IReadOnlyList<ScheduleState> states, IReadOnlyList<IScheduledJobs> kinds, Func<IEnumerable<DeployedSpec>> deployed, SchedulerOptions options, TimeProvider time, ILogger<Scheduler> logger)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(states);
        _store = store;
        _kinds = kinds.ToDictionary(kind => kind.Kind);
        _deployed = deployed;
        _options = options;
        _time = time;
        _steady = new SteadyTime(time);
        _wake = new WakeSignal(time);
        _logger = logger;
        _beside = new BackgroundWork(logger, time);
        foreach (var state in states)
        {
            _schedules[state.ApiName] = new WatchedSchedule { State = state };
        }
    }

    /// <summary>Makes the loop look at everything soon, as APIs were deployed or deleted.</summary>
    public void Wake() => _wake.Wake();

    /// <summary>The schedules of some APIs by name, without those that have none.</summary>
    public async Task<IReadOnlyDictionary<string, ScheduleView>> FindAsync(IEnumerable<DeployedSpec> apis, CancellationToken cancellationToken)
    {
        var found = apis.Where(api => api.Schedule is not null).Select(api => (Api: api, Last: Last(api))).ToList();
        var ids = found.Select(each => each.Last?.JobId).OfType<string>().ToList();
        var jobs = ids.Count == 0 ? [] : (await _store.GetAsync(ids, cancellationToken)).ToDictionary(job => job.Id, StringComparer.Ordinal);
        return found.ToDictionary(each => each.Api.Name, each => View(each.Api, each.Last, each.Last?.JobId is { } id ? jobs.GetValueOrDefault(id) : null), StringComparer.Ordinal);
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var next = _time.GetUtcNow() + _options.Resync;
                try
                {
                    next = await StepAsync(_beside.Stopping);
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
    public ValueTask DisposeAsync() => _beside.DisposeAsync();

    // Of a schedule of an API of that name that was deployed before, nothing counts.
    private ScheduledRun? Last(DeployedSpec api) => _schedules.GetValueOrDefault(api.Name)?.State is { } state && state.DeployedAt == api.InitialDeploymentTime ? state.Last : null;

    private ScheduleView View(DeployedSpec api, ScheduledRun? last, JobRecord? job) => TryRead(api.Schedule!, out var cron, out var zone, out var error)
        ? new ScheduleView(RunTimes.Next(cron, zone, _time.GetUtcNow()), last, job, _schedules.GetValueOrDefault(api.Name)?.WaitsFor ?? "")
        : new ScheduleView(null, last, job, error);

    // Looks at everything once, starts what has to be done, and tells when to look again at the latest.
    private async Task<DateTimeOffset> StepAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var steady = _steady.GetUtcNow();
        var next = now + _options.Resync;
        var apis = _deployed().Where(api => api.Schedule is not null && _kinds.ContainsKey(api.Kind)).ToDictionary(api => api.Name, StringComparer.Ordinal);
        foreach (var (name, schedule) in _schedules.Where(each => !apis.ContainsKey(each.Key) && !each.Value.Busy && !(each.Value.PausedUntil > steady)))
        {
            Begin(name, schedule, () => ForgetAsync(name, cancellationToken), cancellationToken);
        }

        foreach (var api in apis.Values)
        {
            var schedule = _schedules.GetOrAdd(api.Name, _ => new WatchedSchedule());

            // Whatever is under way looks again when it is through.
            if (schedule.Busy)
            {
                continue;
            }

            if (schedule.PausedUntil > steady)
            {
                next = Sooner(next, schedule.PausedUntil);
                continue;
            }

            if (!TryRead(api.Schedule!, out var cron, out var zone, out var error))
            {
                schedule.WaitsFor = error;
                continue;
            }

            var state = await DecideAsync(api, schedule, cron, zone, now, cancellationToken);
            if (state != schedule.State || (state.Due is not null && schedule.RetryAt is null))
            {
                Begin(api.Name, schedule, () => ActAsync(api, schedule, state, cancellationToken), cancellationToken);
            }

            next = Sooner(next, schedule.RetryAt);
            next = Sooner(next, RunTimes.Next(cron, zone, now));
        }

        return next;
    }

    private static DateTimeOffset Sooner(DateTimeOffset next, DateTimeOffset? other) => other < next ? other.Value : next;

    private async Task<ScheduleState> DecideAsync(DeployedSpec api, WatchedSchedule schedule, CronExpression cron, TimeZoneInfo zone, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var deployed = new ScheduledApi(api.Name, api.InitialDeploymentTime, VersionTime(api, now), api.Schedule!);
        var state = ScheduleRule.Begin(schedule.State, deployed, now);
        if (schedule.RetryAt <= _steady.GetUtcNow())
        {
            schedule.RetryAt = null;
        }

        // A run that was decided on goes first, unless it has been refused.
        if (state.Due is not null && schedule.RefusedSince is null && schedule.RetryAt is null)
        {
            return state;
        }

        // Asked for only when it matters.
        IReadOnlyList<JobRecord> unfinished = api.Schedule!.Concurrency == ScheduleConcurrency.Forbid && RunTimes.Last(cron, zone, state.DecidedUntil, now) is not null
            ? await _store.GetUnfinishedRunsAsync(api.Name, api.Kind, cancellationToken)
            : [];
        var decided = ScheduleRule.Decide(state, api.Schedule, cron, zone, unfinished, now);
        if (state.Due is { } left && decided.DecidedUntil != state.DecidedUntil)
        {
            LogGivenUp(api.Name, left, "the time of the next one has come");
        }

        return decided;
    }

    private void Begin(string apiName, WatchedSchedule schedule, Func<Task> step, CancellationToken cancellationToken)
    {
        schedule.Busy = true;
        _beside.Start("a step of a schedule", async _ =>
        {
            try
            {
                await step();
                schedule.PausedUntil = null;
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                // The server stops, and with it the store; the next process decides anew.
            }
            catch (Exception exception)
            {
                schedule.WaitsFor = exception.Message;
                schedule.PausedUntil = _steady.GetUtcNow() + _options.RetryDelay;
                LogScheduleFailed(exception, apiName);
            }
            finally
            {
                schedule.Busy = false;
                Wake();
            }
        });
    }

    private async Task ForgetAsync(string apiName, CancellationToken cancellationToken)
    {
        await _store.RemoveScheduleAsync(apiName, cancellationToken);
        _schedules.TryRemove(apiName, out _);
    }

    private async Task ActAsync(DeployedSpec api, WatchedSchedule schedule, ScheduleState state, CancellationToken cancellationToken)
    {
        if (state != schedule.State)
        {
            if (state.Due != schedule.State?.Due)
            {
                (schedule.RefusedSince, schedule.RetryAt, schedule.RetryDelay, schedule.WaitsFor) = (null, null, TimeSpan.Zero, "");
            }

            await SaveAsync(schedule, state, cancellationToken);
        }

        if (state.Due is not { } run)
        {
            return;
        }

        // It is there when the process was killed, or the call failed, between its submission and the note of it.
        var job = await _store.FindRunAsync(api.Name, api.Kind, run, cancellationToken);
        if (job is null && api.Schedule!.Concurrency == ScheduleConcurrency.Replace && await StopOthersAsync(api, cancellationToken) is { } other)
        {
            schedule.WaitsFor = $"waits for the end of job {other}, which it replaces";
            schedule.RetryAt = _steady.GetUtcNow() + s_untilReplacedHasEnded;
            return;
        }

        job ??= await SubmitAsync(api, schedule, run, cancellationToken);
        if (job is null)
        {
            return;
        }

        await SaveAsync(schedule, state with { Due = null, Last = new ScheduledRun(run, job.Id, "") }, cancellationToken);
        (schedule.RefusedSince, schedule.RetryDelay, schedule.WaitsFor) = (null, TimeSpan.Zero, "");
        LogSubmitted(run, api.Name, job.Id);
    }

    // The job; null when it was refused.
    private async Task<JobRecord?> SubmitAsync(DeployedSpec api, WatchedSchedule schedule, DateTimeOffset run, CancellationToken cancellationToken)
    {
        try
        {
            var body = Encoding.UTF8.GetBytes(api.Schedule!.Job.GetRawText());
            return await _kinds[api.Kind].SubmitAsync(api, body, run, cancellationToken);
        }
        catch (CortexException exception)
        {
            var now = _steady.GetUtcNow();
            schedule.RefusedSince ??= now;
            if (now - schedule.RefusedSince >= _options.SubmitFor)
            {
                LogGivenUp(api.Name, run, exception.Message);
                await SaveAsync(schedule, schedule.State! with { Due = null, Last = new ScheduledRun(run, null, $"could not be submitted: {exception.Message}") }, cancellationToken);
                (schedule.RefusedSince, schedule.RetryDelay, schedule.WaitsFor) = (null, TimeSpan.Zero, "");
                return null;
            }

            schedule.RetryDelay = new Backoff(_options.RetryDelay, _options.MaxRetryDelay).Next(schedule.RetryDelay);
            schedule.RetryAt = now + schedule.RetryDelay;
            schedule.WaitsFor = $"the run of {JobJson.Time(run)} could not be submitted and is tried again: {exception.Message}";
            return null;
        }
    }

    // A job of an earlier run that has not ended; null when there is none.
    private async Task<string?> StopOthersAsync(DeployedSpec api, CancellationToken cancellationToken)
    {
        var others = await _store.GetUnfinishedRunsAsync(api.Name, api.Kind, cancellationToken);
        foreach (var other in others.Where(other => other.Ending is null))
        {
            try
            {
                await _kinds[api.Kind].StopAsync(api.Name, other.Id);
            }
            catch (CortexException)
            {
                // It has ended meanwhile, as the next look will find.
            }
        }

        return others is [var one, ..] ? one.Id : null;
    }

    // Stores first, then shows.
    private async Task SaveAsync(WatchedSchedule schedule, ScheduleState state, CancellationToken cancellationToken)
    {
        await _store.SaveScheduleAsync(state, cancellationToken);
        schedule.State = state;
    }

    // Both were checked when it was deployed, but the next machine may have fewer time zones.
    private static bool TryRead(ScheduleSpec schedule, [NotNullWhen(true)] out CronExpression? cron, [NotNullWhen(true)] out TimeZoneInfo? zone, out string error)
    {
        zone = null;
        if (!CronExpression.TryParse(schedule.Cron, out cron, out error))
        {
            error = $"there are no runs, as \"{schedule.Cron}\" is no schedule: {error}";
            return false;
        }

        if (!TimeZoneInfo.TryFindSystemTimeZoneById(schedule.TimeZone, out zone))
        {
            error = $"there are no runs, as this machine does not know the time zone {schedule.TimeZone}; install the package tzdata";
            return false;
        }

        return true;
    }

    private static DateTimeOffset VersionTime(DeployedSpec api, DateTimeOffset now) =>
        ApiId.TryParse(api.Id, out var id) ? DateTimeOffset.UnixEpoch.AddTicks(id.Time.UnixNanoseconds / TimeSpan.NanosecondsPerTick) : now;

    [LoggerMessage(7201, LogLevel.Error, "Could not look at the schedules; the next attempt follows within seconds.")]
    private partial void LogStepFailed(Exception exception);

    [LoggerMessage(7202, LogLevel.Error, "Could not go on with the schedule of {Api}; it is tried again after a pause.")]
    private partial void LogScheduleFailed(Exception exception, string api);

    [LoggerMessage(7203, LogLevel.Information, "The run of {Run} of the schedule of {Api} is job {Job}.")]
    private partial void LogSubmitted(DateTimeOffset run, string api, string job);

    [LoggerMessage(7204, LogLevel.Warning, "The schedule of {Api} gives up its run of {Run}: {Reason}.")]
    private partial void LogGivenUp(string api, DateTimeOffset run, string reason);
}
