using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using Cortex.Async;
using Cortex.Core.Clusters;
using Cortex.DataPlane;
using Cortex.Gateway;
using Cortex.Operator;
using Cortex.Runtimes;
using Cortex.Runtimes.Docker;

namespace Cortex.Server;

/// <summary><c>cortex server</c>: plays every server role of a cluster on one machine.</summary>
internal static partial class ServerCommand
{
    // Replicas that ran before are probed again before the first request is taken; a slow one is not waited for.
    private static readonly TimeSpan _settle = TimeSpan.FromSeconds(1);

    // A teardown is asked for by somebody who waits for it.
    private static readonly TimeSpan _teardownGrace = TimeSpan.FromSeconds(10);

    // What Docker does not remove within this time is passed over, and named at the end.
    private static readonly TimeSpan _teardownCall = TimeSpan.FromSeconds(30);

    // Requests in progress when the server is told to stop may finish this long.
    private static readonly TimeSpan _finish = TimeSpan.FromSeconds(10);

    /// <summary>Runs until told to stop. Returns 0, or 1 after one line that begins with <c>error:</c>.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["-h" or "--help"])
        {
            Console.Out.WriteLine(ServerArguments.Usage);
            return 0;
        }

        var (arguments, error) = ServerArguments.Parse(args);
        if (arguments is null)
        {
            Console.Error.WriteLine($"error: {error}\n\n{ServerArguments.Usage}");
            return 2;
        }

        try
        {
            // Specifications hold what users put into `env`; nobody else on the machine is to read them.
            Detach.KeepFilesPrivate();
            if (arguments.LogFile is not null)
            {
                Detach.FromTerminal();
                Detach.RedirectOutput(arguments.LogFile);
            }

            using var data = DataDirectory.Open(arguments.DataDirectory);
            await RunAsync(data, arguments);
            return 0;
        }
        catch (OperationCanceledException)
        {
            // Told to stop before it had begun to serve.
            return 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException or RuntimeUnavailableException or InvalidClusterException)
        {
            TellError(exception.Message);
            return 1;
        }
    }

    private static void TellError(string message)
    {
        try
        {
            Console.Error.WriteLine($"error: {message}");
        }
        catch (IOException)
        {
            // The disk of the log is full, or nobody reads it: the exit code says it.
        }
    }

    private static async Task RunAsync(DataDirectory data, ServerArguments arguments)
    {
        var time = TimeProvider.System;
        var config = arguments.ClusterName is { } name ? new ClusterConfig { ClusterName = name } : data.ReadConfig();
        using var log = arguments.LogFile is null ? new ServerLog(time) : new ServerLog(arguments.LogFile, config.Limits.ServerLogSize, time);
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        var logger = loggers.CreateLogger("Server");
        AppDomain.CurrentDomain.UnhandledException += (_, crash) =>
        {
            LogCrash(logger, crash.ExceptionObject as Exception);
            log.Flush();
        };

        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => signal.Cancel = true);
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }

        var docker = PartOptions.Docker(config);
        docker.CallTimeout = arguments.Teardown ? _teardownCall : docker.CallTimeout;
        await using var runtime = new DockerRuntime(docker, time, loggers.CreateLogger<DockerRuntime>());
        if (arguments.Teardown)
        {
            await runtime.TeardownAsync(_teardownGrace, stop.Token);
            return;
        }

        await using var storage = await ServerStorage.OpenAsync(config, data, loggers, time);
        await runtime.StartAsync(stop.Token);
        try
        {
            await ServeAsync(data, config, storage, runtime, loggers, logger, time, stop.Token);
        }
        catch (IOException) when (runtime.List().Count == 0)
        {
            // It never served, so that nobody will take its network away later.
            await runtime.TeardownAsync(TimeSpan.Zero, CancellationToken.None);
            throw;
        }
    }

    private static async Task ServeAsync(
        DataDirectory data, ClusterConfig config, ServerStorage storage, DockerRuntime runtime, ILoggerFactory loggers, ILogger logger, TimeProvider time, CancellationToken stop)
    {
        var bridge = runtime.BridgeIsLocal ? IPAddress.Parse(runtime.BridgeGateway) : null;
        var version = Version();
        OperatorServer? control = null;
        void Awaken(string api) => control?.Awaken(api);
        await using var asyncApis = AsyncApis(config, storage, loggers, time, Awaken);
        await using var gateway = new GatewayServer(
            PartOptions.Gateway(config), Listeners(config, bridge, context => control!.Handler(context), logger), loggers, time, Awaken);
        await using var operatorServer = control = await OperatorServer.OpenAsync(
            new OperatorOptions
            {
                Cluster = config,
                Version = version,
                Token = data.ReadToken(),
                ApiBaseUrl = Addresses.ApiBaseUrl(config),
                StatePath = data.StatePath,
                PostgresState = storage.PostgresState,
                Identity = storage.Cluster,
                WriteMoreMetrics = storage.WriteMetrics,
                Foreign = PartOptions.Foreign(config),
                Dispatch = PartOptions.Dispatch(config, _finish),
            },
            runtime, new LocalDataPlane(gateway, asyncApis, job => control!.HandlerOf(job)), storage.Store, OperatorListeners(config, bridge, logger), loggers, time, stop);

        await asyncApis.StartAsync(stop);
        await control.AdoptAsync(_settle, stop);
        await gateway.StartAsync(stop);
        await control.StartListeningAsync(stop);
        control.StartReconciling();
        data.WriteProcessId();
        LogReady(logger, version, config.ClusterName, Addresses.ApiBaseUrl(config), config.Operator.Host, config.Operator.Port);

        await WaitForStopAsync(stop);
        LogStopping(logger);
        using var finish = new CancellationTokenSource(_finish, time);
        await asyncApis.EndWaitsAsync();
        await gateway.StopAsync(finish.Token);
    }

    private static AsyncService AsyncApis(ClusterConfig config, ServerStorage storage, ILoggerFactory loggers, TimeProvider time, Action<string> awaken)
    {
        try
        {
            return new AsyncService(
                storage.Store, PartOptions.Async(config), PartOptions.Dispatch(config, _finish), PartOptions.Callbacks(config), loggers, time, awaken);
        }
        catch (ArgumentException exception)
        {
            throw new InvalidClusterException($"the cluster configuration can't be used: {exception.Message}");
        }
    }

    // Names inside the cluster lead to port 80 of the bridge. Without the right to bind it everything else works.
    private static List<GatewayListener> Listeners(ClusterConfig config, IPAddress? bridge, RequestDelegate control, ILogger logger)
    {
        var listeners = Addresses.Apis(config).Select(address => new GatewayListener(address)).ToList();
        if (bridge is null)
        {
            return listeners;
        }

        var inside = new IPEndPoint(bridge, 80);
        if (CanListen(inside, logger))
        {
            listeners.Add(new GatewayListener(inside, new OtherApplication(context => context.Request.Host.Host == InsideNames.OperatorGateway, control)));
        }

        return listeners;
    }

    // Another program that has port 8888 on every address takes only the bridge's away, which nobody chose.
    private static List<IPEndPoint> OperatorListeners(ClusterConfig config, IPAddress? bridge, ILogger logger)
    {
        var listeners = Addresses.Operator(config, bridge);
        return [listeners[0], .. listeners.Skip(1).Where(inside => CanListen(inside, logger))];
    }

    private static bool CanListen(IPEndPoint inside, ILogger logger)
    {
        try
        {
            using var probe = new Socket(inside.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(inside);
            return true;
        }
        catch (SocketException exception)
        {
            LogNoInside(logger, inside, exception.Message);
            return false;
        }
    }

    private static async Task WaitForStopAsync(CancellationToken cancellationToken)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.UnsafeRegister(state => ((TaskCompletionSource)state!).SetResult(), stopped);
        await stopped.Task;
    }

    private static string Version()
    {
        var text = typeof(ServerCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
        return text.Split('+')[0];
    }

    [LoggerMessage(4001, LogLevel.Information, "Cortex {Version}: cluster {Cluster} is ready; APIs on {Apis}, operator on {Host}:{Port}.")]
    private static partial void LogReady(ILogger logger, string version, string cluster, string apis, string host, int port);

    [LoggerMessage(4002, LogLevel.Information, "Stopping; containers go on running and the next start finds them.")]
    private static partial void LogStopping(ILogger logger);

    [LoggerMessage(4005, LogLevel.Critical, "The server crashes; containers go on running, and the next start finds them.")]
    private static partial void LogCrash(ILogger logger, Exception? exception);

    [LoggerMessage(4003, LogLevel.Warning, "Can't listen on {Inside} ({Reason}), so containers do not reach this cluster by its names inside the cluster on that port. If the address is in use, stop the program that has the port; if permission is denied, run as root or allow it with `sysctl net.ipv4.ip_unprivileged_port_start=80`.")]
    private static partial void LogNoInside(ILogger logger, IPEndPoint inside, string reason);
}
