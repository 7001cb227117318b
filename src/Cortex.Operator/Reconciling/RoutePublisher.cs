using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Gateway;
using Cortex.Gateway.Routing;
using Cortex.Operator.State;
using Cortex.Runtimes;

namespace Cortex.Operator.Reconciling;

/// <summary>Tells the gateway which replicas take requests, whenever that has changed.</summary>
internal sealed class RoutePublisher(IGateway gateway, IJobEndpoints jobs)
{
    private readonly Lock _lock = new();
    private Dictionary<string, ApiRoute> _published = new(StringComparer.Ordinal);
    private List<HandlerRoute> _publishedHandlers = [];
    private bool _first = true;

    /// <summary>Compares with what the gateway has and swaps the routes when anything differs.</summary>
    /// <param name="store">What is deployed.</param>
    /// <param name="runtime">What runs.</param>
    /// <param name="isStopping">Whether a pod must get no new requests although it is ready.</param>
    public void Publish(ApiStore store, IContainerRuntime runtime, Func<string, bool> isStopping)
    {
        // Several tasks publish. Looking and swapping under one lock keeps an older picture from overtaking a newer one.
        lock (_lock)
        {
            var pods = runtime.List();
            var ready = pods
                .Where(pod => pod is { State: PodState.Ready, Address: not null } && !isStopping(pod.Id))
                .ToLookup(pod => pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""), StringComparer.Ordinal);
            var routes = store.Apis.Values.Where(api => api.Spec.Kind == ApiKind.RealtimeAPI)
                .ToDictionary(api => api.Name, api => Route(api, ready[api.Name]), StringComparer.Ordinal);
            var handlers = store.Apis.Values.Select(api => jobs.RouteOf(api.Spec)).OfType<HandlerRoute>().ToList();
            if (!_first && handlers.SequenceEqual(_publishedHandlers) && routes.Count == _published.Count && routes.All(route => _published.TryGetValue(route.Key, out var before) && Same(route.Value, before)))
            {
                return;
            }

            // Remembered only once it is true: after a failure the next look tries again.
            gateway.Apply(new RouteSnapshot([.. routes.Values]) { Handlers = handlers });
            _first = false;
            _published = routes;
            _publishedHandlers = handlers;
        }
    }

    private static ApiRoute Route(WantedApi api, IEnumerable<PodStatus> pods)
    {
        var replicas = pods.OrderBy(pod => pod.Id, StringComparer.Ordinal).ToList();

        // While two versions serve, the lower limit holds for both, so that neither gets more than it was promised.
        var concurrency = replicas
            .Select(pod => int.TryParse(pod.Labels.GetValueOrDefault(PodFactory.MaxConcurrencyLabel), CultureInfo.InvariantCulture, out var limit) ? limit : int.MaxValue)
            .Append((int)api.Spec.Pod!.MaxConcurrency)
            .Min();
        return new ApiRoute
        {
            Name = api.Name,
            Kind = api.Spec.Kind.ToString(),
            Endpoint = api.Spec.Networking.Endpoint,
            MaxConcurrency = concurrency,
            MaxQueueLength = (int)api.Spec.Pod.MaxQueueLength,
            Replicas = [.. replicas.Select(pod => new ReplicaAddress(pod.Id, pod.Address!.Value.Host, pod.Address.Value.Port))],
        };
    }

    private static bool Same(ApiRoute left, ApiRoute right) =>
        left.Endpoint == right.Endpoint
        && left.MaxConcurrency == right.MaxConcurrency
        && left.MaxQueueLength == right.MaxQueueLength
        && left.Replicas.SequenceEqual(right.Replicas);
}
