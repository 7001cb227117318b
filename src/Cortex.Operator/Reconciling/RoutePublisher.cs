using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Operator.Splitting;
using Cortex.Operator.State;
using Cortex.Routing;
using Cortex.Runtimes;

namespace Cortex.Operator.Reconciling;

/// <summary>Tells the data plane which replicas take requests, whenever that has changed.</summary>
internal sealed class RoutePublisher(IDataPlane dataPlane, IJobEndpoints jobs)
{
    private readonly Lock _lock = new();
    private RouteSnapshot? _published;

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
            var apis = store.Apis.Values;   // looked at once: a splitter and its targets belong together
            var next = new RouteSnapshot
            {
                Version = (_published?.Version ?? 0) + 1,
                Realtime = [.. apis.Where(api => api.Spec.Kind == ApiKind.RealtimeAPI).Select(api => Realtime(api, Replicas(ready, api), staying[api.Name], createError))],
                Async = [.. apis.Where(api => api.Spec.Kind == ApiKind.AsyncAPI).Select(api => Async(api, Replicas(ready, api)))],
                Jobs = [.. apis.Select(api => jobs.RouteOf(api.Spec)).OfType<JobRoute>()],
                Splits = [.. apis.Where(api => api.Spec.Kind == ApiKind.TrafficSplitter).Select(Split)],
            };

            if (_published is null || !next.LeadsWhere(_published))
            {
                dataPlane.Apply(next);

                // Remembered only once it is true: after a failure the next look tries again.
                _published = next;
            }
        }
    }

    private static List<PodStatus> Replicas(ILookup<string, PodStatus> ready, WantedApi api) =>
        [.. ready[api.Name].OrderBy(pod => pod.Id, StringComparer.Ordinal)];

    private static RealtimeRoute Realtime(WantedApi api, List<PodStatus> replicas, IEnumerable<PodStatus> pods, Func<string, string?> createError)
    {
        var route = new RealtimeRoute
        {
            Name = api.Name,
            Endpoint = api.Spec.Networking.Endpoint,
            MaxConcurrency = MaxConcurrency(api, replicas),
            MaxQueueLength = (int)api.Spec.Pod!.MaxQueueLength,
            Replicas = Addresses(replicas),
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

    private static SplitRoute Split(WantedApi api) => new()
    {
        Name = api.Name,
        Endpoint = api.Spec.Networking.Endpoint,
        Targets = [.. api.Spec.Apis!.Zip(CanaryRule.Weights(api.Spec.Apis!, api.Spec.Canary, api.Canary), (target, weight) => new SplitTarget(target.Name, weight, target.Shadow))],
        Sticky = api.Spec.Sticky is { } sticky ? new StickyKey(sticky.Header ?? sticky.Cookie!, sticky.Cookie is not null) : null,
        SlowAfter = api.Spec.Canary?.MaxP99,
    };

    private static AsyncRoute Async(WantedApi api, List<PodStatus> replicas) => new()
    {
        Name = api.Name,
        Endpoint = api.Spec.Networking.Endpoint,
        MaxConcurrency = MaxConcurrency(api, replicas),
        Policy = Policy(api.Spec.Queue!),
        CallbackKey = Convert.ToBase64String(api.CallbackKey!.Bytes.Span),
        Replicas = Addresses(replicas),
    };

    // A container that was started again has forgotten what it was working on.
    private static RouteList<ReplicaAddress> Addresses(List<PodStatus> replicas) =>
        [.. replicas.Select(pod => new ReplicaAddress(pod.Id, pod.Address!.Value.Host, pod.Address.Value.Port, pod.Containers.Sum(container => container.Restarts)))];

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
}
