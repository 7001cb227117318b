using Cortex.Routing;
using System.Collections.Concurrent;
using Cortex.Background;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Operator.State;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging;

namespace Cortex.Operator.Reconciling;

/// <summary>Makes the runtime match the desired state, and the gateway's routes match the runtime. Pods of jobs are none of its business.</summary>
/// <remarks>
/// One loop decides; what it starts (creating, draining, deleting) runs beside it and is remembered here until it
/// shows in the runtime. Nothing here outlives the process: after a restart the runtime's pods and the store's
/// desired state are all that is needed.
/// </remarks>
internal sealed partial class Reconciler(
    IApiStore store, IContainerRuntime runtime, PodFactory podFactory, IDataPlane dataPlane, IJobEndpoints jobs, ReconcilerOptions options, TimeProvider time, ILogger<Reconciler> logger) : IAsyncDisposable
{
    private readonly Bell _bell = new();
    private readonly ConcurrentDictionary<string, PodDefinition> _creating = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _stopping = new(StringComparer.Ordinal);   // set when the pod must go soon
    private readonly ConcurrentDictionary<string, CreateFailure> _failures = new(StringComparer.Ordinal);
    private readonly RoutePublisher _routes = new(dataPlane, jobs);
    private readonly BackgroundWork _beside = new(logger, time);
    private bool _watches;

    /// <summary>Makes the loop look at everything soon.</summary>
    public void Wake() => _bell.Ring();

    /// <summary>Whether a pod is on its way out although the runtime may still call it ready.</summary>
    public bool IsStopping(string podId) => _stopping.ContainsKey(podId);

    /// <summary>Whether a pod must get no new requests although the runtime may call it ready.</summary>
    public bool IsLeaving(string podId) => IsStopping(podId) || _freezing.ContainsKey(podId);

    /// <summary>Why the last replica of an API could not be created; null when it could.</summary>
    public string? CreateError(string apiName) => _failures.GetValueOrDefault(apiName)?.Message;

    /// <summary>Runs until cancelled, and returns when all that it started beside the loop has heard of it; what is left of that is the next process's.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_watches)
        {
            _watches = true;
            _beside.StartLoop("the reconciler's watch of pods", WatchAsync);
        }

        try
        {
            while (true)
            {
                try
                {
                    Step(_beside.Stopping);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    LogStepFailed(exception);
                }

                await _bell.WaitAsync(options.Resync, time, cancellationToken);
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

    /// <summary>Publishes the routes to what is ready now, without starting or stopping anything.</summary>
    public void PublishRoutes() => _routes.Publish(store, runtime, IsLeaving, CreateError);

    /// <summary>The same for a change that stands whether or not it can be published now; the loop tries again.</summary>
    public void TryPublishRoutes()
    {
        try
        {
            PublishRoutes();
        }
        catch (Exception exception)
        {
            LogPublishFailed(exception);
        }
    }

    /// <summary>Looks at everything once and starts what has to be done.</summary>
    public void Step(CancellationToken cancellationToken)
    {
        // What is under way is looked at before the pods: what ends between the two looks is seen twice, never missed,
        // so that nothing is started twice and no replica that has gone counts as ready.
        var creating = _creating.Values.ToList();
        var leaving = _stopping.Keys.Concat(_freezing.Keys).ToHashSet(StringComparer.Ordinal);
        var thawing = _thawing.Keys.ToHashSet(StringComparer.Ordinal);
        var apis = store.Apis;
        var everyPod = runtime.List();
        var pods = everyPod.Where(pod => !pod.Labels.ContainsKey(PodLabels.JobId)).ToList();
        PublishRoutes();

        var byApi = pods.ToLookup(pod => pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""), StringComparer.Ordinal);
        foreach (var api in apis.Values)
        {
            if (api.Spec.Kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI)
            {
                Step(api, [.. byApi[api.Name]], creating, leaving, thawing, cancellationToken);
            }
        }

        foreach (var pod in pods)
        {
            if (!apis.ContainsKey(pod.Labels.GetValueOrDefault(PodLabels.ApiName, "")))
            {
                Stop(pod.Id, IsAsync(pod), cancellationToken);
            }
        }

        MakeWay(everyPod, thawing, cancellationToken);

        foreach (var name in _failures.Keys.Where(name => !apis.ContainsKey(name)))
        {
            _failures.TryRemove(name, out _);
        }

        // Stops may have changed what is routed to; the gateway must know before anything is drained.
        PublishRoutes();
    }

    private void Step(WantedApi api, List<PodStatus> pods, List<PodDefinition> creating, HashSet<string> leaving, HashSet<string> thawing, CancellationToken cancellationToken)
    {
        // Frozen pods are no replicas, unless they are on their way back.
        var replicas = pods.Where(pod => pod.State != PodState.Frozen || thawing.Contains(pod.Id) || leaving.Contains(pod.Id)).Select(pod => new RolloutReplica(
            pod.Id,
            PodFactory.IsLatest(pod.Labels, api.Spec),
            pod.State == PodState.Ready,
            pod.State == PodState.Terminating || leaving.Contains(pod.Id),
            pod.CreatedAt)).ToList();
        var known = replicas.Select(replica => replica.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var definition in creating)
        {
            if (definition.Labels[PodLabels.ApiName] == api.Name && !known.Contains(definition.Id))
            {
                replicas.Add(new RolloutReplica(definition.Id, PodFactory.IsLatest(definition.Labels, api.Spec), Ready: false, Stopping: false, time.GetUtcNow()));
            }
        }

        var strategy = api.Spec.UpdateStrategy ?? new UpdateStrategySpec("25%", "25%");
        var (surge, unavailable) = SurgeValue.Resolve(strategy, api.Replicas);
        var step = Rollout.Next(api.Replicas, surge, unavailable, replicas);
        var isAsync = api.Spec.Kind == ApiKind.AsyncAPI;
        foreach (var replica in replicas.Where(replica => step.Stop.Contains(replica.Id) && !_creating.ContainsKey(replica.Id)))
        {
            if (replica is { Latest: true, Ready: true } && Freezes(api))
            {
                Freeze(replica.Id, isAsync, cancellationToken);
            }
            else
            {
                Stop(replica.Id, isAsync, cancellationToken, isPatient: replica.Latest);
            }
        }

        // An update, unlike a scale-down, does not wait for requests for ever.
        foreach (var replica in replicas.Where(replica => replica is { Stopping: true, Latest: false }))
        {
            Hurry(replica.Id);
        }

        if (replicas.Count(replica => replica is { Latest: true, Stopping: false } && known.Contains(replica.Id)) >= api.Replicas)
        {
            // Nothing is missing any more, for instance after a return to the version before.
            _failures.TryRemove(api.Name, out _);
        }

        var missing = TakeFrozen(api, pods, thawing, step.Start, cancellationToken);
        if (missing > 0 && _failures.GetValueOrDefault(api.Name) is { } failure && time.GetElapsedTime(failure.At) < failure.Pause)
        {
            return;
        }

        // On a full machine a hundred wanted replicas would be ninety pods that only wait.
        var waiting = pods.Count(pod => (pod.State is PodState.Pending or PodState.Stalled) && PodFactory.IsLatest(pod.Labels, api.Spec)) + replicas.Count - known.Count;
        var start = Math.Min(missing, options.MaxWaitingForRoom - waiting);
        for (var i = 0; i < start; i++)
        {
            _beside.Follow("creating a replica", CreateAsync(podFactory.Create(api.Spec), api.Name, cancellationToken));
        }
    }

    private static bool IsAsync(PodStatus pod) => pod.Labels.GetValueOrDefault(PodLabels.ApiKind) == nameof(ApiKind.AsyncAPI);

    private async Task CreateAsync(PodDefinition pod, string apiName, CancellationToken cancellationToken)
    {
        _creating[pod.Id] = pod;
        try
        {
            await runtime.CreateAsync(pod, cancellationToken);
            _failures.TryRemove(apiName, out _);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The server stops; the next process finds what was made of it.
        }
        catch (Exception exception)
        {
            _failures.AddOrUpdate(
                apiName,
                _ => new CreateFailure(exception.Message, time.GetTimestamp(), options.RetryDelay),
                (_, before) =>
                {
                    // Replicas that fail together are one failed attempt.
                    var pause = time.GetElapsedTime(before.At) < before.Pause ? before.Pause : new Backoff(options.RetryDelay, options.MaxRetryDelay).Next(before.Pause);
                    return new CreateFailure(exception.Message, time.GetTimestamp(), pause);
                });
            LogCreateFailed(exception, pod.Id);
        }
        finally
        {
            _creating.TryRemove(pod.Id, out _);
            Wake();
        }
    }

    /// <summary>Drains and deletes a pod.</summary>
    /// <param name="podId">The pod.</param>
    /// <param name="isAsync">Whether it works off a queue, which takes back what is not finished.</param>
    /// <param name="cancellationToken">Fires when the server stops.</param>
    /// <param name="isPatient">Whether its requests may take as long as they like, until it is asked for without patience.</param>
    private void Stop(string podId, bool isAsync, CancellationToken cancellationToken, bool isPatient = false)
    {
        if (_freezing.TryGetValue(podId, out var attempt))
        {
            attempt.Cancel();
        }

        var hurry = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_stopping.TryAdd(podId, hurry))
        {
            _beside.Follow("stopping a replica", StopAsync(podId, isAsync, isPatient ? hurry.Task : Task.CompletedTask, cancellationToken));
        }
        else if (!isPatient)
        {
            Hurry(podId);
        }
    }

    private void Hurry(string podId)
    {
        if (_stopping.TryGetValue(podId, out var hurry))
        {
            hurry.TrySetResult();
        }
    }

    private async Task StopAsync(string podId, bool isAsync, Task hurry, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            PublishRoutes();
            if (!isAsync && !hurry.IsCompleted)
            {
                await DrainAsync(podId, hurry, cancellationToken);
            }

            var began = time.GetTimestamp();
            await (isAsync ? dataPlane.DrainAsync(podId, options.TerminationGrace, cancellationToken) : DrainAsync(podId, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
            var left = options.TerminationGrace - time.GetElapsedTime(began);
            await runtime.DeleteAsync(podId, left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1), cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The server stops; the next process decides anew.
        }
        catch (Exception exception)
        {
            LogStopFailed(exception, podId);
            await Task.Delay(options.RetryDelay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            _stopping.TryRemove(podId, out _);
            Wake();
        }
    }

    // However long its requests take, or until it is asked for without patience.
    private async Task DrainAsync(string podId, Task hurry, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var drained = dataPlane.DrainAsync(podId, Timeout.InfiniteTimeSpan, patience.Token);
        if (await Task.WhenAny(drained, hurry) == drained)
        {
            await drained;
            return;
        }

        // What waits for its last request is not to be left behind in the gateways.
        await patience.CancelAsync();
        await drained.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task DrainAsync(string podId, CancellationToken cancellationToken)
    {
        using var drained = new TimeLimit(options.TerminationGrace, time, cancellationToken);
        try
        {
            await dataPlane.DrainAsync(podId, Timeout.InfiniteTimeSpan, drained.Token);
        }
        catch (OperationCanceledException) when (drained.IsOver)
        {
            LogNotDrained(podId, options.TerminationGrace.TotalSeconds);
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var _ in runtime.WatchAsync(cancellationToken))
                {
                    Wake();
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                LogWatchFailed(exception);
            }

            // Also when the runtime has ended the watch by itself: it must not be asked again without a pause.
            await Task.Delay(options.RetryDelay, time, cancellationToken);
        }
    }

    private sealed record CreateFailure(string Message, long At, TimeSpan Pause);

    [LoggerMessage(3001, LogLevel.Error, "Could not bring the runtime in line with the desired state; the next attempt follows within seconds.")]
    private partial void LogStepFailed(Exception exception);

    [LoggerMessage(3002, LogLevel.Error, "Could not create {Pod}; it is tried again after a pause.")]
    private partial void LogCreateFailed(Exception exception, string pod);

    [LoggerMessage(3003, LogLevel.Error, "Could not stop {Pod}; it is tried again.")]
    private partial void LogStopFailed(Exception exception, string pod);

    [LoggerMessage(3005, LogLevel.Warning, "{Pod} still had requests in progress {Seconds} s after it got no new ones; it is stopped now.")]
    private partial void LogNotDrained(string pod, double seconds);

    [LoggerMessage(3004, LogLevel.Warning, "Lost sight of the runtime's changes; watching again after a pause.")]
    private partial void LogWatchFailed(Exception exception);

    [LoggerMessage(3006, LogLevel.Error, "Could not tell the gateway of a change; it is tried again.")]
    private partial void LogPublishFailed(Exception exception);
}
