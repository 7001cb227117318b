using Cortex.Async.Answers;
using Cortex.Async.Callbacks;
using Cortex.Dispatch;
using Cortex.Async.Endpoint;
using Cortex.Gateway.Routing;
using Cortex.Queues;
using Cortex.Routing;
using Microsoft.Extensions.Logging;

namespace Cortex.Async;

/// <summary>The data plane of Async APIs: takes requests over HTTP, brings them to replicas and calls back. Several may share one store of several servers.</summary>
public sealed class AsyncService : IAsyncDisposable
{
    internal const string Kind = "AsyncAPI";
    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(1);
    private readonly IQueueStore _store;
    private readonly AsyncOptions _options;
    private readonly DispatchOptions _dispatch;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ILoggerFactory _loggers;
    private readonly Action<string> _awaken;
    private readonly TargetRules _targets;
    private readonly CallbackDeliverer _callbacks;
    private readonly QueueSetup _setup;
    private readonly CallKeeper _calls;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _endWaits = new();
    private readonly TaskCompletionSource _applied = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private Dictionary<string, AsyncApi> _apis = new(StringComparer.Ordinal);   // replaced whole, never changed
    private Task[] _loops = [];
    private int _disposed;

    /// <summary>Makes a service that does nothing yet.</summary>
    /// <param name="store">Keeps requests and results; started before, and disposed of after, the service.</param>
    /// <param name="options">The limits of the HTTP side.</param>
    /// <param name="dispatch">How requests are brought to replicas.</param>
    /// <param name="callbacks">How final states are called back.</param>
    /// <param name="loggers">Makes its loggers.</param>
    /// <param name="time">The clock of all timeouts and pauses.</param>
    /// <param name="awaken">
    /// Gets the name of an API without a replica that has taken a request: at once, for each. It must return at once. Null wakes
    /// nothing.
    /// </param>
    /// <exception cref="ArgumentException">A limit is out of range; the message names every one.</exception>
    public AsyncService(
        IQueueStore store, AsyncOptions options, DispatchOptions dispatch, CallbackOptions callbacks, ILoggerFactory loggers, TimeProvider time, Action<string>? awaken = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(dispatch);
        ArgumentNullException.ThrowIfNull(callbacks);
        ArgumentNullException.ThrowIfNull(loggers);
        ArgumentNullException.ThrowIfNull(time);
        string[] errors = [.. options.Validate(), .. dispatch.Validate(), .. callbacks.Validate()];
        if (errors.Length > 0)
        {
            throw new ArgumentException(string.Join("; ", errors));
        }

        (_store, _options, _dispatch, _time, _loggers) = (store, options, dispatch, time, loggers);
        _awaken = awaken ?? (static _ => { });
        _logger = loggers.CreateLogger<AsyncService>();
        _targets = new TargetRules(callbacks);
        _callbacks = new CallbackDeliverer(store, callbacks, _targets, FindRoute, time, loggers.CreateLogger<CallbackDeliverer>());
        _setup = new QueueSetup(store, time, _logger);
        _calls = new CallKeeper(store, dispatch, time, _logger, () => Volatile.Read(ref _apis).Values.Select(static api => api.Dispatcher));
    }

    /// <summary>Begins to work. Queues are set up in the background: an endpoint answers 503 until its queue is.</summary>
    /// <param name="cancellationToken">Gives up starting.</param>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _loops = [SetUpAsync(_stopping.Token), CountAsync(_stopping.Token)];
        _calls.Start();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Swaps the APIs and their replicas whole. Calls in progress go on, also on replicas that left; new ones go to those that are listed.
    /// An API that left keeps its queue and results for their retention and goes on with them if it comes back.
    /// </summary>
    /// <param name="routes">One per API; names and endpoints are unique.</param>
    /// <returns>The endpoints to hand to the gateway with its next routes.</returns>
    public IReadOnlyList<HandlerRoute> Apply(IReadOnlyList<AsyncRoute> routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        lock (_lock)
        {
            var before = _apis;
            var apis = new Dictionary<string, AsyncApi>(StringComparer.Ordinal);
            List<HandlerRoute> endpoints = [];
            foreach (var route in routes)
            {
                var api = before.GetValueOrDefault(route.Name) ?? Make(route);
                apis.Add(route.Name, api);
                var isNew = !api.IsDeployed || api.Endpoint.Route.Policy.ResultRetention != route.Policy.ResultRetention;
                api.Apply(route);
                if (isNew)
                {
                    _setup.Configure(QueueNames.Of(route.Name), new QueueSettings(route.Policy.ResultRetention), api.Open);
                }

                endpoints.Add(new HandlerRoute(route.Name, Kind, route.Endpoint, api));
            }

            foreach (var (name, api) in before)
            {
                if (apis.ContainsKey(name))
                {
                    continue;
                }

                if (api.IsDeployed)
                {
                    api.Leave();
                    _setup.Retire(QueueNames.Of(name));
                }

                if (!api.Dispatcher.IsIdle)
                {
                    apis.Add(name, api);
                }
            }

            Volatile.Write(ref _apis, apis);
            _applied.TrySetResult();
            return endpoints;
        }
    }

    /// <summary>
    /// Completes when no call is in progress on the replica. The caller has taken it out of the routes before. What
    /// is in progress after <paramref name="grace"/> is aborted and put back into the queue first.
    /// </summary>
    public Task DrainAsync(string replicaId, TimeSpan grace, CancellationToken cancellationToken) =>
        Task.WhenAll(Volatile.Read(ref _apis).Values.Select(api => api.Dispatcher.DrainAsync(replicaId, grace, cancellationToken)));

    /// <summary>What waits and what is in progress in one API; null when there is no such API.</summary>
    public AsyncTraffic? GetTraffic(string apiName) =>
        Volatile.Read(ref _apis).TryGetValue(apiName, out var api) && api.IsDeployed ? api.Traffic : null;

    /// <summary>Writes the metrics of every API in the Prometheus text format.</summary>
    public void WriteMetrics(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        AsyncMetricsText.Write(
            writer, Volatile.Read(ref _apis).Where(static entry => entry.Value.IsDeployed).Select(static entry => (entry.Key, entry.Value.Traffic, entry.Value.Dispatcher.Metrics)));
    }

    /// <summary>Answers those who wait for a result with what is known now, so that the gateway can stop without waiting for them. They ask again.</summary>
    public Task EndWaitsAsync() => _endWaits.CancelAsync();

    /// <summary>
    /// Takes no more messages, lets calls in progress end within <see cref="DispatchOptions.StopTime"/> and puts the others back. The gateway has stopped
    /// handing it requests before.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        var apis = Volatile.Read(ref _apis).Values;
        foreach (var api in apis)
        {
            api.Dispatcher.Stop();   // before anything is waited for
        }

        await _stopping.CancelAsync();
        await Task.WhenAll(_loops);
        await Task.WhenAll([_callbacks.DisposeAsync().AsTask(), .. apis.Select(static api => api.Dispatcher.StopAsync())]);
        await _calls.DisposeAsync();
        foreach (var api in apis)
        {
            api.Leave();   // closes connections
        }

        _stopping.Dispose();
        _endWaits.Dispose();
    }

    private AsyncApi Make(AsyncRoute route) => new(
        new AsyncEndpoint(_store, _options, _targets, route, _time, _loggers.CreateLogger<AsyncEndpoint>()) { Stopping = _endWaits.Token, Awaken = _awaken },
        new Dispatcher(route.Name, QueueNames.Of(route.Name), _store, new AsyncCallFormat(_store.Blobs, _options.InlineLimit), _dispatch, _time, _loggers.CreateLogger<Dispatcher>()));

    private AsyncRoute? FindRoute(string name) => Volatile.Read(ref _apis).GetValueOrDefault(name)?.Endpoint.Route;

    /// <summary>A message with a callback needs the queue of callbacks, so that one comes first.</summary>
    private async Task SetUpAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await _callbacks.StartAsync(stop);
                break;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                _logger.ConfigureTrouble(QueueNames.Callbacks, e.Message);
                await Task.Delay(CountInterval, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await Task.WhenAll(_setup.RunAsync(stop), RetireForgottenAsync(stop));
    }

    /// <summary>An API may have been deleted by a process that died before it had retired the queue.</summary>
    private async Task RetireForgottenAsync(CancellationToken stop)
    {
        await _applied.Task.WaitAsync(stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                RetireUnknown(await _store.ListQueuesAsync(QueueNames.Prefix, stop));
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                _logger.ConfigureTrouble(QueueNames.Prefix, e.Message);
                await Task.Delay(CountInterval, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void RetireUnknown(IReadOnlyList<string> queues)
    {
        lock (_lock)
        {
            foreach (var queue in queues)
            {
                if (_apis.GetValueOrDefault(queue[QueueNames.Prefix.Length..]) is not { IsDeployed: true })
                {
                    _setup.Retire(queue);
                }
            }
        }
    }

    private async Task CountAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await CountOnceAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                _logger.CountTrouble(e.Message);
            }

            await Task.Delay(CountInterval, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // All in one call: that is one statement where the store is a database of several servers.
    private async Task CountOnceAsync(CancellationToken stop)
    {
        var apis = Volatile.Read(ref _apis).Where(static entry => entry.Value.IsDeployed).ToArray();
        if (apis.Length == 0)
        {
            return;
        }

        var counted = await _store.CountAsync([.. apis.Select(static entry => QueueNames.Of(entry.Key))], stop);
        for (var i = 0; i < apis.Length; i++)
        {
            var (counts, api) = (counted[i], apis[i].Value);
            var (answers, answerTime) = api.Dispatcher.Metrics.Totals;
            api.Traffic = new AsyncTraffic(counts.Waiting, counts.Delayed, counts.Leased, counts.OldestWaiting) { Answers = answers, AnswerTime = answerTime };
        }
    }
}
