namespace Cortex.Core.Clusters;

/// <summary>Bounds of the gateway.</summary>
public sealed record GatewaySettings
{
    /// <summary>Bytes of one request's body.</summary>
    public long MaxRequestBody { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>Bytes of one request's headers together.</summary>
    public long MaxHeaderSize { get; init; } = 64L * 1024;

    /// <summary>Headers of one request; 1-10000.</summary>
    public int MaxHeaders { get; init; } = 100;

    /// <summary>Time a client has to send its headers.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Time a client's connection may be idle between requests.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(130);

    /// <summary>Time a connection to a replica may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time a request may wait for a replica.</summary>
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Time a request may wait for the first replica of an API without any.</summary>
    public TimeSpan WakeTimeout { get; init; } = TimeSpan.FromMinutes(20);

    /// <summary>Bytes of the bodies of requests together that wait for the first replica of their API.</summary>
    public long WakeBuffer { get; init; } = 128L * 1024 * 1024;

    /// <summary>Time a delivered request may go without data either way; zero for no limit.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.Zero;

    /// <summary>Time a client may pause while a replica serves it: sending its request's body, or taking the answer.</summary>
    public TimeSpan ClientIdleTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Time a stream (WebSocket, gRPC, a body that goes on after its answer has begun) may go without data either way.</summary>
    public TimeSpan StreamIdleTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Bytes of one request's body that are kept to copy it to a shadow; larger ones are not copied.</summary>
    public long ShadowMaxBody { get; init; } = 1L * 1024 * 1024;

    /// <summary>Bytes of all copies for shadows at a time; what is more is not copied.</summary>
    public long ShadowMemory { get; init; } = 64L * 1024 * 1024;

    /// <summary>Time that a copy for a shadow has, waiting and answer included.</summary>
    public TimeSpan ShadowTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Connections of clients at a time; 1-1000000.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>Connections of one address at a time; 1-1000000.</summary>
    public int MaxConnectionsPerAddress { get; init; } = 2500;
}
