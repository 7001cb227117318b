using Cortex.Routing;
using System.Collections.Concurrent;
using Cortex.Core.Specs;
using Cortex.Operator.Reconciling;
using Cortex.Operator.State;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging;

namespace Cortex.Operator.Splitting;

/// <summary>Moves the canaries of all traffic splitters: looks at each about every second, keeps each change before it takes effect, and publishes the new weights.</summary>
internal sealed class CanaryController(IApiStore store, IContainerRuntime runtime, IDataPlane dataPlane, Reconciler reconciler, TimeProvider time, ILogger<CanaryController> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, CanaryWatch> _watches = new(StringComparer.Ordinal);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            await StepAsync(cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>What the target of a canary got in the step that it is at; null before the first look at it in this process.</summary>
    public CanaryCounts? Counts(WantedApi splitter) =>
        _watches.TryGetValue(splitter.Name, out var watch) && watch.IsOf(splitter.Spec.Id, splitter.Canary) ? watch.Step : null;

    /// <summary>Looks at every canary once.</summary>
    public async Task StepAsync(CancellationToken cancellationToken)
    {
        var apis = store.Apis;
        foreach (var splitter in apis.Values)
        {
            if (splitter is { Spec.Canary: not null, Canary.HasEnded: false })
            {
                try
                {
                    await StepAsync(splitter, cancellationToken);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    // A full disk, for instance. The canary stays where it is, and is looked at again in a second.
                    logger.CanaryFailed(exception, splitter.Name);
                }
            }
            else
            {
                _watches.TryRemove(splitter.Name, out _);
            }
        }

        foreach (var name in _watches.Keys.Where(name => !apis.ContainsKey(name)))
        {
            _watches.TryRemove(name, out _);
        }
    }

    private async Task StepAsync(WantedApi splitter, CancellationToken cancellationToken)
    {
        var (canary, state) = (splitter.Spec.Canary!, splitter.Canary!);
        var counts = dataPlane.GetSplitTraffic(splitter.Name).Where(target => target.Api == canary.To).Select(CanaryCounts.Of).FirstOrDefault();
        var watch = Watch(splitter, counts);
        watch.Read(counts);

        var next = CanaryRule.Next(canary, state, watch.Step, watch.Recent, time.GetElapsedTime(watch.Timestamp), CanServe(canary.To), time.GetUtcNow());
        if (next != state && await store.MoveCanaryAsync(splitter, next, cancellationToken))
        {
            // From here on, not from the next look on: what comes in between counts for the new step.
            _watches[splitter.Name] = new CanaryWatch(splitter.Spec.Id, next, counts, time.GetTimestamp());
            reconciler.PublishRoutes();
            Tell(splitter.Name, canary, next, watch.Step);
        }
    }

    private CanaryWatch Watch(WantedApi splitter, CanaryCounts counts)
    {
        if (_watches.TryGetValue(splitter.Name, out var watch) && watch.IsOf(splitter.Spec.Id, splitter.Canary))
        {
            return watch;
        }

        return _watches[splitter.Name] = new CanaryWatch(splitter.Spec.Id, splitter.Canary!, counts, time.GetTimestamp());
    }

    private bool CanServe(string target) =>
        store.Apis.GetValueOrDefault(target) is { } api
        && (api.Replicas == 0 || runtime.List().Any(pod => pod.State == PodState.Ready && pod.Labels.GetValueOrDefault(PodLabels.ApiName) == target && PodFactory.IsLatest(pod.Labels, api.Spec)));

    private void Tell(string splitter, CanarySpec canary, CanaryState state, CanaryCounts before)
    {
        switch (state.Phase)
        {
            case CanaryPhase.Progressing when state.Step == 0:
                logger.CanaryBegan(splitter, canary.To, canary.Steps[0], canary.Steps.Count);
                break;
            case CanaryPhase.Progressing:
                logger.CanaryMoved(splitter, canary.To, canary.Steps[state.Step], state.Step + 1, canary.Steps.Count, before.Requests, before.Errors);
                break;
            case CanaryPhase.Promoted:
                logger.CanaryPromoted(splitter, canary.To, canary.Steps[^1], before.Requests, before.Errors);
                break;
            case CanaryPhase.RolledBack:
                logger.CanaryRolledBack(splitter, canary.To, state.Step + 1, state.Reason);
                break;
        }
    }
}
