using Cortex.Routing;
using System.Collections.Concurrent;
using Cortex.Background;
using Cortex.Core.Specs;
using Cortex.Gateway.Metrics;
using Cortex.Operator.State;
using Microsoft.Extensions.Logging;

namespace Cortex.Operator.Scaling;

/// <summary>Makes the wanted replicas of every Realtime and Async API follow its load.</summary>
/// <remarks>
/// One loop for all of them: a sample every second, a decision every other. What it has seen is forgotten with the process,
/// as in Cortex 0.42; what it has decided is in the store.
/// </remarks>
/// <param name="store">The wanted replicas.</param>
/// <param name="dataPlane">Knows the requests of APIs.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where to log.</param>
internal sealed partial class Autoscaler(IApiStore store, IDataPlane dataPlane, TimeProvider time, ILogger<Autoscaler> logger)
{
    /// <summary>The time between samples.</summary>
    public static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();   // guards what follows it, but no I/O
    private readonly Dictionary<string, ApiScaling> _apis = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _toAwaken = new(StringComparer.Ordinal);
    private readonly Bell _bell = new();
    private readonly long _began = time.GetTimestamp();
    private TimeSpan _nextSample;
    private bool _decides = true;

    /// <summary>Wants one replica of an API that has none, at once. Cheap, also when it is called for every request.</summary>
    public void Awaken(string apiName)
    {
        if (store.Apis.GetValueOrDefault(apiName) is { Replicas: 0, Spec.Autoscaling: not null } && _toAwaken.TryAdd(apiName, true))
        {
            _bell.Ring();
        }
    }

    /// <summary>The last decisions on an API that differ from the one before, newest first.</summary>
    public IReadOnlyList<ScalingDecision> Decisions(string apiName)
    {
        lock (_lock)
        {
            return _apis.GetValueOrDefault(apiName)?.Decisions ?? [];
        }
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await StepAsync(cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogStepFailed(exception);
            }

            await WaitAsync(cancellationToken);
        }
    }

    /// <summary>Takes the next samples and decisions when their time has come, and awakens who is to be awakened.</summary>
    public async Task StepAsync(CancellationToken cancellationToken)
    {
        // First what can't fail: samples go on also while nothing can be stored.
        var now = time.GetElapsedTime(_began);
        List<(ReplicaChange, ScalingDecision)> changes = [];
        if (now >= _nextSample)
        {
            // After a pause of the machine there is one sample, not one for each second that was missed.
            _nextSample = _nextSample + SampleInterval > now ? _nextSample + SampleInterval : now + SampleInterval;
            changes = SampleAndDecide(now, time.GetUtcNow(), store.Apis.Values, _decides);
            _decides = !_decides;
        }

        await AwakenAllAsync(cancellationToken);
        await ApplyAsync(changes, cancellationToken);
    }

    /// <summary>Writes what is wanted and why in the Prometheus text format.</summary>
    public void WriteMetrics(TextWriter writer)
    {
        List<(WantedApi Api, (ScalingDecision? Last, (long Up, long Down) Changes) State)> apis =
            [.. store.Apis.Values.Where(api => api.Spec.Autoscaling is not null).Select(api => (api, Find(api.Name))).Where(each => each.Item2.Last is not null)];
        Each("cortex_autoscaler_in_flight", "gauge", "Requests in flight, averaged over the window, at the last decision.", each => each.Last!.Value.InFlight);
        Each("cortex_autoscaler_raw_recommendation", "gauge", "Replicas that the load asked for before any bound, at the last decision.", each => each.Last!.Value.Raw);
        Each("cortex_autoscaler_recommendation", "gauge", "Replicas recommended before stabilization, at the last decision.", each => each.Last!.Value.Recommended);
        Each("cortex_autoscaler_scale_ups_total", "counter", "Times that the wanted replicas were raised.", each => each.Changes.Up);
        Each("cortex_autoscaler_scale_downs_total", "counter", "Times that the wanted replicas were lowered.", each => each.Changes.Down);

        void Each(string name, string type, string help, Func<(ScalingDecision? Last, (long Up, long Down) Changes), double> value)
        {
            PrometheusText.Family(writer, name, type, help);
            foreach (var (api, state) in apis)
            {
                PrometheusText.Sample(writer, name, PrometheusText.Labels(("api_name", api.Name), ("api_kind", api.Spec.Kind.ToString())), value(state));
            }
        }
    }

    private (ScalingDecision? Last, (long Up, long Down) Changes) Find(string apiName)
    {
        lock (_lock)
        {
            return _apis.GetValueOrDefault(apiName) is { } state ? (state.Last, state.Changes) : default;
        }
    }

    private List<(ReplicaChange Change, ScalingDecision Decision)> SampleAndDecide(TimeSpan now, DateTimeOffset utc, IEnumerable<WantedApi> apis, bool decides)
    {
        var changes = new List<(ReplicaChange, ScalingDecision)>();
        lock (_lock)
        {
            var scaled = 0;
            foreach (var api in apis)
            {
                if (api.Spec.Autoscaling is not { } settings)
                {
                    continue;
                }

                scaled++;
                var state = State(api, now);
                Sample(api, state, settings, now, utc);

                // A Realtime API without replicas has no samples: a request that waits for it is the only way up.
                if (decides && (api.Replicas > 0 || api.Spec.Kind == ApiKind.AsyncAPI)
                    && state.Decide(now, utc, api.Replicas, settings, api.Spec.Pod?.MaxConcurrency ?? 1) is { } decision && decision.Requested != api.Replicas)
                {
                    changes.Add((new ReplicaChange(api, decision.Requested), decision));
                }
            }

            if (_apis.Count > scaled)
            {
                Forget();
            }
        }

        return changes;
    }

    private ApiScaling State(WantedApi api, TimeSpan now)
    {
        if (!_apis.TryGetValue(api.Name, out var state) || state.DeployedAt != api.Spec.InitialDeploymentTime)
        {
            _apis[api.Name] = state = new ApiScaling(api.Spec.InitialDeploymentTime, now);
        }

        return state;
    }

    private void Sample(WantedApi api, ApiScaling state, AutoscalingSpec settings, TimeSpan now, DateTimeOffset utc)
    {
        long waiting;
        if (api.Spec.Kind == ApiKind.AsyncAPI)
        {
            if (dataPlane.GetQueue(api.Name) is not { } queue)
            {
                return;
            }

            state.Sample(now, utc, queue, settings);
            waiting = queue.Waiting;
        }
        else
        {
            if (dataPlane.GetTraffic(api.Name) is not { } traffic)
            {
                return;
            }

            if (api.Replicas > 0)
            {
                state.Sample(now, traffic.InFlight + traffic.Queued, settings);
            }

            waiting = traffic.Queued;
        }

        // The call that should have told may have been lost with an error.
        if (api.Replicas == 0 && waiting > 0)
        {
            _toAwaken.TryAdd(api.Name, true);
        }
    }

    private void Forget()
    {
        foreach (var name in _apis.Keys.Where(name => store.Apis.GetValueOrDefault(name)?.Spec.Autoscaling is null).ToList())
        {
            _apis.Remove(name);
        }
    }

    private async Task ApplyAsync(List<(ReplicaChange Change, ScalingDecision Decision)> decided, CancellationToken cancellationToken)
    {
        if (decided.Count == 0)
        {
            return;
        }

        // One that was deployed meanwhile is decided on again with its new settings.
        var applied = await store.ScaleAsync([.. decided.Select(each => each.Change)], cancellationToken);
        foreach (var (change, decision) in decided.Where(each => applied.Contains(each.Change)))
        {
            Changed(change, decision);
        }
    }

    private async Task AwakenAllAsync(CancellationToken cancellationToken)
    {
        foreach (var name in _toAwaken.Keys)
        {
            // An error leaves it there for the next step.
            while (store.Apis.GetValueOrDefault(name) is { Replicas: 0, Spec.Autoscaling: { } settings } api)
            {
                var change = new ReplicaChange(api, 1);
                if ((await store.ScaleAsync([change], cancellationToken)).Count > 0)
                {
                    Changed(change, Awakened(api, settings));
                }
            }

            _toAwaken.TryRemove(name, out _);
        }
    }

    private ScalingDecision Awakened(WantedApi api, AutoscalingSpec settings)
    {
        var now = time.GetElapsedTime(_began);
        var traffic = dataPlane.GetTraffic(api.Name) ?? default;
        lock (_lock)
        {
            var state = State(api, now);
            if (api.Spec.Kind == ApiKind.RealtimeAPI)
            {
                // The request that woke it may be answered before the next sample: without this one there would be none but zeros.
                state.Sample(now, Math.Max(1, traffic.InFlight + traffic.Queued), settings);
            }

            return state.Awaken(now, time.GetUtcNow(), settings);
        }
    }

    private void Changed(ReplicaChange change, ScalingDecision decision)
    {
        lock (_lock)
        {
            _apis.GetValueOrDefault(change.Seen.Name)?.Changed(change.Seen.Replicas, change.Replicas);
        }

        if (logger.IsEnabled(LogLevel.Information))
        {
            LogScaled(change.Seen.Name, change.Seen.Replicas, change.Replicas, decision.InFlight, decision.Raw, decision.Recommended, ScalingText.Why(decision));
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        var left = _nextSample - time.GetElapsedTime(_began);
        await _bell.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken);
    }

    [LoggerMessage(3100, LogLevel.Information, "{Api}: {From} -> {To} replicas. {InFlight:0.##} requests in flight ask for {Raw:0.##}, recommended are {Recommended}; {Why}.")]
    private partial void LogScaled(string api, int from, int to, double inFlight, double raw, int recommended, string why);

    [LoggerMessage(3101, LogLevel.Error, "Could not scale; wanted replicas stay as they are, and the next attempt follows within two seconds.")]
    private partial void LogStepFailed(Exception exception);
}
