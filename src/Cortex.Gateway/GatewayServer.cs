using System.Net;
using System.Text;
using Cortex.Gateway.Admission;
using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Listening;
using Cortex.Gateway.Metrics;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Serving;
using Cortex.Gateway.Shadowing;
using Cortex.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Cortex.Gateway;

/// <summary>The data plane: takes requests on its listeners and forwards them to replicas.</summary>
/// <remarks>
/// It is fastest with the environment variable DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS set to 1 before the
/// process first uses a socket: requests are then served on the threads that poll the sockets.
/// </remarks>
public sealed class GatewayServer : IAsyncDisposable
{
    private readonly GatewayOptions _options;
    private readonly IReadOnlyList<SharedPort> _ports;
    private readonly SocketTransportFactory _transport;
    private readonly ApiGates _gates;
    private readonly Http2Exchange _http2;
    private readonly ShadowCopies _shadows;
    private readonly FaultLog _faults;
    private readonly PauseWatch _pauses;
    private readonly GatewayApplication _application;
    private readonly KestrelServer _kestrel;
    private readonly ITimer _sweep;

    /// <summary>Makes a gateway that does not listen yet.</summary>
    /// <param name="options">The limits.</param>
    /// <param name="listeners">Where to listen.</param>
    /// <param name="loggers">Makes its loggers.</param>
    /// <param name="time">The clock of all timeouts.</param>
    /// <param name="awaken">
    /// Gets the name of an API that has no replica and is asked for: at once, and again each second while requests wait.
    /// Called from threads that serve sockets, so that it must return at once. Null wakes nothing.
    /// </param>
    /// <exception cref="ArgumentException">A limit is out of range; the message names every one.</exception>
    public GatewayServer(
        GatewayOptions options, IReadOnlyList<GatewayListener> listeners, ILoggerFactory loggers, TimeProvider time, Action<string>? awaken = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(listeners);
        ArgumentNullException.ThrowIfNull(loggers);
        ArgumentNullException.ThrowIfNull(time);
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join("; ", errors), nameof(options));
        }

        _options = options;
        var logger = loggers.CreateLogger<GatewayServer>();
        var connector = new UpstreamConnector(options, time);
        var demand = new WakeDemand(options.WakeBuffer, awaken ?? (static _ => { }));
        _gates = new ApiGates(new AdmissionLimits(options.QueueTimeout, options.UnreachableReplicaPause, options.WakeTimeout), connector, demand, time);
        _http2 = new Http2Exchange(connector, options);
        _shadows = new ShadowCopies(options, time, logger);
        _faults = new FaultLog(logger, time);
        _pauses = new PauseWatch(time, logger);
        _application = new GatewayApplication(options, _gates, _http2, _shadows, _faults, _pauses, time, logger);
        var clients = new ClientConnections(options.MaxConnections, options.MaxConnectionsPerAddress, options.TrustedProxies, time, logger);
        _ports = [.. listeners.Select(listener => new SharedPort(listener, clients, options.HeaderTimeout, time, logger))];
        var kestrelLoggers = new ClientNoise(loggers);
        _transport = new SocketTransportFactory(
            Options.Create(new SocketTransportOptions { UnsafePreferInlineScheduling = true, Backlog = 4096, MaxReadBufferSize = GatewayApplication.ReadBuffer }), kestrelLoggers);
        _kestrel = new KestrelServer(Options.Create(KestrelOptions()), new ProtocolListenerFactory(), kestrelLoggers);
        _sweep = time.CreateTimer(
            static state => ((GatewayServer)state!).CloseIdleConnections(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Where it listens, in the order of its listeners, with the real ports once started.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints => [.. _ports.Select(static port => (IPEndPoint)port.EndPoint)];

    /// <summary>Listens on every address, or on none.</summary>
    /// <exception cref="IOException">An address cannot be had; the message says which and what to do.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var port in _ports)
            {
                await port.BindAsync(_transport, cancellationToken);
            }

            await _kestrel.StartAsync(_application, cancellationToken);
        }
        catch
        {
            foreach (var port in _ports)
            {
                await port.StopAsync();
            }

            throw;
        }

        foreach (var port in _ports)
        {
            port.Start();
        }

        _sweep.Change(_options.UpstreamIdleTimeout / 2, _options.UpstreamIdleTimeout / 2);
    }

    /// <summary>Accepts nothing more and lets requests finish until <paramref name="cancellationToken"/> fires; the rest is aborted.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var port in _ports)
        {
            await port.StopAsync();
        }

        await _kestrel.StopAsync(cancellationToken);
    }

    /// <summary>Swaps the routes. Requests in progress go on; waiting ones see the new replicas.</summary>
    public void Apply(GatewayRoutes routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        _gates.Apply(routes);
    }

    /// <summary>Completes when no request is in progress on a replica any more. The caller has taken it out of the routes before.</summary>
    public Task DrainAsync(string replicaId, CancellationToken cancellationToken) =>
        _gates.WhenDrained(replicaId).WaitAsync(cancellationToken);

    /// <summary>What is going on in one API; null when the gateway never heard of it.</summary>
    public ApiTraffic? GetTraffic(string apiName) => _gates.Find(apiName)?.Traffic;

    /// <summary>What a splitter's targets got through it since the process started; empty when the gateway knows no such splitter.</summary>
    public IReadOnlyList<SplitTraffic> GetSplitTraffic(string splitterName) => _gates.FindSplit(splitterName) is { } split
        ? [.. split.Branches.Select(static branch => new SplitTraffic(
            branch.Target.Api, branch.Counters.Requests, branch.Counters.Errors, branch.Counters.Slow, branch.Counters.Dropped))]
        : [];

    /// <summary>Writes the gateway's metrics in the Prometheus text format.</summary>
    public void WriteMetrics(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        MetricsText.Write(writer, _gates.All, _gates.Handled, _gates.Splits);
    }

    /// <summary>Stops at once, and closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        await _sweep.DisposeAsync();
        _pauses.Dispose();
        _kestrel.Dispose();
        foreach (var port in _ports)
        {
            port.Dispose();
        }

        _shadows.Dispose();
        _faults.Dispose();
        _gates.Apply(new GatewayRoutes([]));
        _http2.Dispose();
    }

    private KestrelServerOptions KestrelOptions()
    {
        // A line ends with CR LF; others may read a bare LF differently. The server has no option for it.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);
        var kestrel = new KestrelServerOptions
        {
            AddServerHeader = false,
            AllowAlternateSchemes = true,   // behind a balancer that ends TLS, clients say https
            RequestHeaderEncodingSelector = ConnectionHeaderEncoding.Select,
            ResponseHeaderEncodingSelector = static _ => Encoding.Latin1,
        };
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = _options.MaxRequestBody == 0 ? null : _options.MaxRequestBody;
        limits.MaxRequestLineSize = _options.MaxHeaderSize;
        limits.MaxRequestHeadersTotalSize = _options.MaxHeaderSize;
        limits.MaxRequestHeaderCount = _options.MaxHeaders;
        limits.RequestHeadersTimeout = _options.HeaderTimeout;
        limits.KeepAliveTimeout = _options.KeepAliveTimeout;
        limits.MaxConcurrentUpgradedConnections = _options.MaxConnections;

        // A body may pause for as long as its API likes, and is watched over where a slot is held. Connections are bounded where they are accepted.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        foreach (var port in _ports)
        {
            kestrel.Listen(new ProtocolEndPoint(port, HttpProtocols.Http1), static listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(new ProtocolEndPoint(port, HttpProtocols.Http2), static listen => listen.Protocols = HttpProtocols.Http2);
        }

        return kestrel;
    }

    private void CloseIdleConnections()
    {
        foreach (var gate in _gates.All)
        {
            gate.CloseIdleConnections();
        }
    }
}
