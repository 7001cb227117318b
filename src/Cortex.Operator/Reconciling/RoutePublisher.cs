using System.Collections.Immutable;
using System.Globalization;
using Cortex.Async;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Gateway;
using Cortex.Gateway.Routing;
using Cortex.Operator.Splitting;
using Cortex.Operator.State;
using Cortex.Runtimes;

namespace Cortex.Operator.Reconciling;

/// <summary>Tells the data plane which replicas take requests, whenever that has changed.</summary>
internal sealed class RoutePublisher(IGateway gateway, IAsyncService asyncApis, IJobEndpoints jobs)
{
    private readonly Lock _lock = new();
    private Dictionary<string, ApiRoute>? _realtime;
    private Dictionary<string, AsyncRoute>? _async;
    private Dictionary<string, SplitRoute>? _splits;
    private IReadOnlyList<HandlerRoute> _asyncHandlers = [];
    private List<HandlerRoute> _handlers = [];

    /// <summary>Compares with what the data plane has and swaps the routes when anything differs.</summary>
    /// <param name="store">What is deployed.</param>
    /// <param name="runtime">What runs.</param>
    /// <param name="isLeaving">Whether a pod must get no new requests although it is ready.</param>
    /// <param name="createError">Why the last replica of an API could not be created; null when it could.</param>
    public void Publish(IApiStore store, IContainerRuntime runtime, Func<string, bool> isLeaving, Func<string, string?> createError)
    {
        // Several tasks publish. Looking and swapping under one lock keeps an older picture from overtaking a newer one.
        lock (_lock)
        {
            var pods = runtime.List();
            var staying = pods.Where(pod => !isLeaving(pod.Id)).ToLookup(pod => pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""), StringComparer.Ordinal);
            var ready = staying.SelectMany(api => api).Where(pod => pod is { State: PodState.Ready, Address: not null })
                .ToLookup(pod => pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""), StringComparer.Ordinal);
            var apis = store.Apis;   // looked at once: a splitter and its targets belong together
            var realtime = Routes(apis, ApiKind.RealtimeAPI, api => RealtimeRoute(api, Replicas(ready, api), staying[api.Name], createError));
            var splits = Routes(apis, ApiKind.TrafficSplitter, SplitRoute);
            var queued = Routes(apis, ApiKind.AsyncAPI, api => AsyncRoute(api, Replicas(ready, api)));

            // Remembered only once it is true: after a failure the next look tries again. New replicas of Async APIs do
            // not concern the gateway, but a new or moved endpoint does.
            if (!Same(queued, _async, Same))
            {
                _asyncHandlers = asyncApis.Apply(new AsyncSnapshot([.. queued.Values]));
                _async = queued;
            }

            List<HandlerRoute> handlers = [.. _asyncHandlers, .. apis.Values.Select(api => jobs.RouteOf(api.Spec)).OfType<HandlerRoute>()];
            if (!Same(realtime, _realtime, Same) || !Same(splits, _splits, Same) || !handlers.SequenceEqual(_handlers))
            {
                gateway.Apply(new RouteSnapshot([.. realtime.Values]) { Handlers = handlers, Splits = [.. splits.Values] });
                (_realtime, _splits) = (realtime, splits);
                _handlers = handlers;
            }
        }
    }

    private static Dictionary<string, T> Routes<T>(ImmutableSortedDictionary<string, WantedApi> apis, ApiKind kind, Func<WantedApi, T> route) =>
        apis.Values.Where(api => api.Spec.Kind == kind).ToDictionary(api => api.Name, route, StringComparer.Ordinal);

    private static List<PodStatus> Replicas(ILookup<string, PodStatus> ready, WantedApi api) =>
        [.. ready[api.Name].OrderBy(pod => pod.Id, StringComparer.Ordinal)];

    private static ApiRoute RealtimeRoute(WantedApi api, List<PodStatus> replicas, IEnumerable<PodStatus> pods, Func<string, string?> createError)
    {
        var route = new ApiRoute
        {
            Name = api.Name,
            Kind = api.Spec.Kind.ToString(),
            Endpoint = api.Spec.Networking.Endpoint,
            MaxConcurrency = MaxConcurrency(api, replicas),
            MaxQueueLength = (int)api.Spec.Pod!.MaxQueueLength,
            Replicas = [.. replicas.Select(pod => new ReplicaAddress(pod.Id, pod.Address!.Value.Host, pod.Address.Value.Port))],
            Wakeable = api.Spec.Autoscaling?.MinReplicas == 0,
            ClientIdleTimeout = api.Spec.Networking.ClientIdleTimeout,
            StreamIdleTimeout = api.Spec.Networking.StreamIdleTimeout,
        };
        if (!route.Wakeable || replicas.Count > 0 || api.Replicas == 0)
        {
            return route;
        }

        List<PodStatus> latest = [.. pods.Where(pod => pod.State != PodState.Terminating && PodFactory.IsLatest(pod.Labels, api.Spec))];
        var error = createError(api.Name);
        return route with { StartFailure = StartTrouble.Failure(latest, error), StartDelay = StartTrouble.Delay(latest, error) };
    }

    private static SplitRoute SplitRoute(WantedApi api) => new()
    {
        Name = api.Name,
        Kind = api.Spec.Kind.ToString(),
        Endpoint = api.Spec.Networking.Endpoint,
        Targets = [.. api.Spec.Apis!.Zip(CanaryRule.Weights(api.Spec.Apis!, api.Spec.Canary, api.Canary), (target, weight) => new SplitTarget(target.Name, weight, target.Shadow))],
        Sticky = api.Spec.Sticky is { } sticky ? new StickyKey(sticky.Header ?? sticky.Cookie!, sticky.Cookie is not null) : null,
        SlowAfter = api.Spec.Canary?.MaxP99,
    };

    private static AsyncRoute AsyncRoute(WantedApi api, List<PodStatus> replicas) => new()
    {
        Name = api.Name,
        Endpoint = api.Spec.Networking.Endpoint,
        MaxConcurrency = MaxConcurrency(api, replicas),
        Policy = Policy(api.Spec.Queue!),
        CallbackKey = api.CallbackKey!.Bytes,

        // A container that was started again has forgotten what it was working on.
        Replicas = [.. replicas.Select(pod => new AsyncReplica(pod.Id, pod.Address!.Value.Host, pod.Address.Value.Port, pod.Containers.Sum(container => container.Restarts)))],
    };

    // While two versions serve, the lower limit holds for both, so that neither gets more than it was promised.
    private static int MaxConcurrency(WantedApi api, List<PodStatus> replicas) => replicas
        .Select(pod => int.TryParse(pod.Labels.GetValueOrDefault(PodFactory.MaxConcurrencyLabel), CultureInfo.InvariantCulture, out var limit) ? limit : int.MaxValue)
        .Append((int)api.Spec.Pod!.MaxConcurrency)
        .Min();

    private static QueuePolicy Policy(QueueSpec queue) => new()
    {
        MaxAttempts = queue.MaxAttempts,
        RetryBackoff = queue.RetryBackoff,
        RetryBackoffMax = queue.RetryBackoffMax,
        Timeout = queue.Timeout,
        ResultRetention = queue.ResultRetention,
        MaxPayload = Quantity.Parse(queue.MaxPayload).Value,
        MaxResult = Quantity.Parse(queue.MaxResult).Value,
        MaxLostAttempts = queue.MaxLostAttempts,
    };

    private static bool Same<T>(Dictionary<string, T> left, Dictionary<string, T>? right, Func<T, T, bool> same) =>
        right is not null && left.Count == right.Count && left.All(route => right.TryGetValue(route.Key, out var other) && same(route.Value, other));

    private static bool Same(ApiRoute left, ApiRoute right) =>
        left.Endpoint == right.Endpoint
        && left.MaxConcurrency == right.MaxConcurrency
        && left.MaxQueueLength == right.MaxQueueLength
        && left.Wakeable == right.Wakeable
        && left.ClientIdleTimeout == right.ClientIdleTimeout
        && left.StreamIdleTimeout == right.StreamIdleTimeout
        && left.StartFailure == right.StartFailure
        && left.StartDelay == right.StartDelay
        && left.Replicas.SequenceEqual(right.Replicas);

    private static bool Same(SplitRoute left, SplitRoute right) =>
        left.Endpoint == right.Endpoint
        && left.Sticky == right.Sticky
        && left.SlowAfter == right.SlowAfter
        && left.Targets.SequenceEqual(right.Targets);

    private static bool Same(AsyncRoute left, AsyncRoute right) =>
        left.Endpoint == right.Endpoint
        && left.MaxConcurrency == right.MaxConcurrency
        && left.Policy == right.Policy
        && left.CallbackKey.Span.SequenceEqual(right.CallbackKey.Span)
        && left.Replicas.SequenceEqual(right.Replicas);
}
