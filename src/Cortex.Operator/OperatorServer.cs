using System.Net;
using Cortex.Background;
using Cortex.Core.Clusters;
using Cortex.Core.Identifiers;
using Cortex.Core.Wire;
using Cortex.Gateway.Listening;
using Cortex.Gateway.Routing;
using Cortex.Jobs;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Schedules;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tasks;
using Cortex.Operator.Deploying;
using Cortex.Operator.Endpoints;
using Cortex.Operator.Logs;
using Cortex.Operator.Reading;
using Cortex.Operator.Reconciling;
using Cortex.Operator.Scaling;
using Cortex.Operator.Splitting;
using Cortex.Operator.State;
using Cortex.Queues;
using Cortex.Routing;
using Cortex.Runtimes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Cortex.Operator;

/// <summary>The control plane of one cluster: the HTTP API, the desired state and the reconcile loop.</summary>
public sealed class OperatorServer : IAsyncDisposable
{
    private readonly IApiStore _store;
    private readonly Reconciler _reconciler;
    private readonly Autoscaler _autoscaler;
    private readonly CanaryController _canaries;
    private readonly Deployer _deployer;
    private readonly IJobStore _jobs;
    private readonly TaskController _tasks;
    private readonly BatchController _batches;
    private readonly Scheduler _scheduler;
    private readonly IContainerRuntime _runtime;
    private readonly JobEndpoints _jobEndpoints;
    private readonly WebApplication _app;
    private readonly BackgroundWork _background;
    private readonly TimeProvider _time;

    private OperatorServer(
        OperatorOptions options, StateAtStart state, IContainerRuntime runtime, IDataPlane dataPlane, IQueueStore queues, IReadOnlyList<IPEndPoint> addresses, ILoggerFactory loggers, TimeProvider time)
    {
        loggers = new QuietLoggers(loggers);
        _runtime = runtime;
        _time = time;
        _background = new BackgroundWork(loggers.CreateLogger<OperatorServer>(), time);
        _store = state.Store;
        _jobs = state.Jobs;
        var jobOptions = JobSetup.Jobs(options);
        var pods = new PodFactory(options.Version, state.Tokens.Of);
        var host = new JobHost(name => _store.Apis.GetValueOrDefault(name)?.Spec, pods.Create);
        var jobIds = new TimeIdGenerator(time, state.NewestJobId);
        _tasks = new TaskController(_jobs, state.UnfinishedTasks, runtime, jobOptions, host, jobIds, time, loggers.CreateLogger<TaskController>());
        _batches = new BatchController(_jobs, state.UnfinishedBatches, queues, runtime, JobSetup.Batches(options, jobOptions), host, jobIds, time, loggers);
        _scheduler = new Scheduler(
            _jobs, state.Schedules, [new ScheduledTasks(_tasks), new ScheduledBatches(_batches)], () => _store.Apis.Values.Select(api => api.Spec), new SchedulerOptions(), time, loggers.CreateLogger<Scheduler>());
        var errors = new ErrorAnswers(loggers.CreateLogger<ErrorAnswers>());
        var taskRoutes = new TaskRoutes(_store, _jobs, _tasks, errors, options, time);
        var batchRoutes = new BatchRoutes(_store, _jobs, _batches, errors, options, time);
        _jobEndpoints = new JobEndpoints(taskRoutes, batchRoutes);
        var reconcilerOptions = new ReconcilerOptions { TerminationGrace = options.Cluster.Limits.TerminationGrace };
        _reconciler = new Reconciler(_store, runtime, pods, dataPlane, _jobEndpoints, reconcilerOptions, time, loggers.CreateLogger<Reconciler>());
        _autoscaler = new Autoscaler(_store, dataPlane, time, loggers.CreateLogger<Autoscaler>());
        _canaries = new CanaryController(_store, runtime, dataPlane, _reconciler, time, loggers.CreateLogger<CanaryController>());

        var reader = new ApiReader(_store, runtime, dataPlane, _jobs, _tasks, _batches, _scheduler, _reconciler, _autoscaler, new SplitterReader(dataPlane, _canaries), options, state.Uid, time);
        _deployer = new Deployer(_store, runtime, _reconciler, reader, _tasks, _batches, new TimeIdGenerator(time, state.NewestId), time);
        var logStreamer = new LogStreamer(reader, new TaskLogReader(_tasks, runtime, time), new BatchLogReader(_batches, runtime, time), runtime, options.Cluster.Limits, time, loggers.CreateLogger<LogStreamer>());
        var routes = new OperatorRoutes(
            _deployer, reader, new ClusterReader(reader, runtime, queues, options, state.Uid, time), logStreamer, taskRoutes, batchRoutes, dataPlane, queues,
            new OperatorMetrics(_store, runtime, _reconciler, _autoscaler, _tasks, _batches), options);
        var limits = options.Cluster.Limits;
        var clients = new ClientConnections(limits.MaxConnections, limits.MaxConnectionsPerAddress, new Networks(options.Cluster.Access.TrustedProxies), time, loggers.CreateLogger<OperatorServer>());
        _app = Build(options, addresses, clients, routes, new ClientCheck(options.Version, options.Token, state.Tokens), errors, loggers);
        Handler = ((IApplicationBuilder)_app).Build();
    }

    /// <summary>Opens the state; nothing runs or listens yet.</summary>
    /// <param name="options">The cluster.</param>
    /// <param name="runtime">Runs the replicas.</param>
    /// <param name="dataPlane">Brings requests to them.</param>
    /// <param name="queues">Keeps async requests and the batches of jobs; disposed of by the caller, after this.</param>
    /// <param name="addresses">Where the HTTP API listens.</param>
    /// <param name="loggers">Where to log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ArgumentException">The connection string of PostgreSQL can't be read.</exception>
    /// <exception cref="InvalidDataException">The state was written by a newer version, or is no readable database.</exception>
    /// <exception cref="IOException">The state is another cluster's, or can't be reached.</exception>
    public static async Task<OperatorServer> OpenAsync(
        OperatorOptions options, IContainerRuntime runtime, IDataPlane dataPlane, IQueueStore queues, IReadOnlyList<IPEndPoint> addresses, ILoggerFactory loggers, TimeProvider time,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var versions = options.Cluster.Limits.ApiVersions;
        IApiStore store = options.PostgresState is { } connectionString
            ? await PostgresApiStore.OpenAsync(connectionString, versions, options.Identity, time, loggers.CreateLogger<PostgresApiStore>(), cancellationToken)
            : new SqliteApiStore(options.StatePath, versions, options.Identity);
        IJobStore jobs;
        try
        {
            jobs = await OpenJobsAsync(options, loggers, time, cancellationToken);
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }

        return await OpenAsync(options, store, jobs, runtime, dataPlane, queues, addresses, loggers, time, cancellationToken);
    }

    /// <summary>The same with stores that are open, and that this disposes of.</summary>
    internal static async Task<OperatorServer> OpenAsync(
        OperatorOptions options, IApiStore store, IJobStore jobs, IContainerRuntime runtime, IDataPlane dataPlane, IQueueStore queues, IReadOnlyList<IPEndPoint> addresses, ILoggerFactory loggers, TimeProvider time,
        CancellationToken cancellationToken)
    {
        try
        {
            var state = await StateAtStart.ReadAsync(store, jobs, time, cancellationToken);
            return new OperatorServer(options, state, runtime, dataPlane, queues, addresses, loggers, time);
        }
        catch
        {
            await jobs.DisposeAsync();
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>The HTTP API as a handler, for requests that arrive through another listener.</summary>
    public RequestDelegate Handler { get; }

    /// <summary>What answers the requests of an API that runs jobs.</summary>
    /// <exception cref="ArgumentException">The route is of a kind that runs none.</exception>
    public IEndpointHandler HandlerOf(JobRoute route)
    {
        ArgumentNullException.ThrowIfNull(route);
        return _jobEndpoints.HandlerOf(route) ?? throw new ArgumentException($"a {route.Kind} runs no jobs", nameof(route));
    }

    /// <summary>Where the HTTP API listens, once started.</summary>
    public IReadOnlyCollection<string> Urls => [.. _app.Urls];

    /// <summary>Method and path of every route, such as <c>GET /get/{apiName}</c>; for the test of the OpenAPI document.</summary>
    internal IEnumerable<string> RoutePatterns =>
        from endpoint in ((IEndpointRouteBuilder)_app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select $"{method} {endpoint.RoutePattern.RawText}";

    /// <summary>
    /// Waits until replicas that ran before are found ready again, and routes to them. Nothing is started or stopped.
    /// The runtime has been started before.
    /// </summary>
    /// <param name="settle">How long to wait at most.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task AdoptAsync(TimeSpan settle, CancellationToken cancellationToken)
    {
        await WaitForAdoptedAsync(settle, cancellationToken);
        _reconciler.PublishRoutes();
    }

    /// <summary>Wants a replica of an API that has none, because it is asked for. Returns at once; may be called for every request.</summary>
    public void Awaken(string apiName) => _autoscaler.Awaken(apiName);

    /// <summary>Begins to make the runtime match the desired state.</summary>
    public void StartReconciling()
    {
        _background.StartLoop("the feed of the desired state", FollowAsync);
        _background.StartLoop("the reconciler", _reconciler.RunAsync);
        _background.StartLoop("the autoscaler", _autoscaler.RunAsync);
        _background.StartLoop("the loop of task jobs", _tasks.RunAsync);
        _background.StartLoop("the loop of batch jobs", _batches.RunAsync);
        _background.StartLoop("the scheduler", _scheduler.RunAsync);
        _background.StartLoop("the loop of canaries", _canaries.RunAsync);
    }

    /// <summary>Begins to answer.</summary>
    /// <exception cref="IOException">An address can't be had; the message says which and what to do.</exception>
    public async Task StartListeningAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _app.StartAsync(cancellationToken);
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            throw new IOException($"the operator can't listen: {exception.Message.TrimEnd('.')}; stop the process that has the port, or set another one with `operator: {{port: N}}` in the cluster configuration", exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _background.DisposeAsync();
        await _app.DisposeAsync();
        _deployer.Dispose();
        await _reconciler.DisposeAsync();
        await _scheduler.DisposeAsync();
        await _tasks.DisposeAsync();
        await _batches.DisposeAsync();
        await _jobs.DisposeAsync();
        await _store.DisposeAsync();
    }

    // Whoever changed what is wanted, here or in another process.
    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        await foreach (var _ in _store.WatchAsync(cancellationToken))
        {
            _reconciler.Wake();
            _scheduler.Wake();
        }
    }

    private static async Task<JobStore> OpenJobsAsync(OperatorOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var limits = options.Cluster.Jobs;
        var kept = new JobStoreOptions { Cluster = options.Identity, History = limits.History, HistoryAge = limits.HistoryAge };
        var logger = loggers.CreateLogger<JobStore>();
        return options.PostgresState is { } connectionString
            ? await JobStore.OpenPostgresAsync(connectionString, kept, time, logger, cancellationToken)
            : JobStore.OpenFile(Path.Combine(options.StateFolder, "jobs.db"), kept, time, logger);
    }

    // Containers outlive the server. The first requests after a restart should find those that still run.
    private async Task WaitForAdoptedAsync(TimeSpan settle, CancellationToken cancellationToken)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = _time.CreateTimer(_ => bound.Cancel(), null, settle, Timeout.InfiniteTimeSpan);
        try
        {
            await using var changes = _runtime.WatchAsync(bound.Token).GetAsyncEnumerator(bound.Token);
            while (_runtime.List().Any(pod => pod.State is PodState.NotReady or PodState.Creating))
            {
                await changes.MoveNextAsync();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The time is up; what is not ready yet is routed to when it is.
        }
    }

    private static WebApplication Build(OperatorOptions options, IReadOnlyList<IPEndPoint> addresses, ClientConnections clients, OperatorRoutes routes, ClientCheck check, ErrorAnswers errors, ILoggerFactory loggers)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.Replace(ServiceDescriptor.Singleton(loggers));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxConfigBytes + (64 * 1024);
            foreach (var address in addresses)
            {
                kestrel.Listen(address, listen => listen.Use(next => connection => ServeAsync(connection, next, clients)));
            }
        });

        var app = builder.Build();
        app.Use(CountRequest);
        app.Use(next => context => errors.InvokeAsync(context, next));
        app.Use(next => context => !ForeignRequests.IsHarmless(context.Request.Method) && options.Foreign.Refusal(context.Request) is { } reason
            ? ErrorAnswers.WriteAsync(context, StatusCodes.Status403Forbidden, new ErrorResponse("endpoints.foreign_request", reason))
            : next(context));
        app.Use(next => context => SlashRule.Answer(context) ?? next(context));
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(30) });
        app.UseRouting();
        app.Use(next => context => check.Refuse(context, AsksForToken(context, options.Cluster.Access)) is { } refusal
            ? ErrorAnswers.WriteAsync(context, refusal.Status, refusal.Error)
            : next(context));
#pragma warning disable ASP0014 // The automatic end of the pipeline is missing where Handler builds it for other listeners.
        app.UseEndpoints(endpoints =>
        {
            var authenticated = endpoints.MapGroup("");
            authenticated.WithMetadata(new AuthenticatedAttribute());
            var local = endpoints.MapGroup("");
            local.WithMetadata(new LocalAttribute());
            routes.Map(endpoints, local, authenticated);
        });
        app.Run(ErrorAnswers.WriteNotFoundAsync);
#pragma warning restore ASP0014
        return app;
    }

    private static async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next, ClientConnections clients)
    {
        if (clients.TryEnter(connection) is null)
        {
            connection.Abort();
            return;
        }

        await next(connection);
    }

    private static RequestDelegate CountRequest(RequestDelegate next) => async context =>
    {
        // One that came through the gateway's listener is counted there.
        var connection = context.Features.Get<ClientConnection>();
        connection?.Begin();
        try
        {
            await next(context);
        }
        finally
        {
            connection?.End();
        }
    };

    private static bool AsksForToken(HttpContext context, AccessSettings access) => context.GetEndpoint()?.Metadata is { } metadata
        && (metadata.GetMetadata<AuthenticatedAttribute>() is not null
            || (metadata.GetMetadata<LocalAttribute>() is not null && !access.OpenMetrics && !IsLocal(context)));

    /// <summary>Whether the client is a program of this machine, and no proxy that speaks for another.</summary>
    private static bool IsLocal(HttpContext context)
    {
        var headers = context.Request.Headers;
        return context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
            && headers["X-Forwarded-For"].Count == 0 && headers["Forwarded"].Count == 0 && headers.Via.Count == 0;
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class LocalAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class AuthenticatedAttribute : Attribute;
}
