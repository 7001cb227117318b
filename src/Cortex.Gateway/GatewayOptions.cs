using Cortex.Gateway.Listening;

namespace Cortex.Gateway;

/// <summary>The gateway's limits. Sizes are bytes. Read once, when the gateway is made.</summary>
public sealed class GatewayOptions
{
    /// <summary>Largest request body, in bytes; a larger one is answered 413. Default 10 GiB, 0 for no limit.</summary>
    public long MaxRequestBody { get; set; } = 10L << 30;

    /// <summary>
    /// Largest request line and largest sum of request headers (431 or 414 beyond), and largest head of a replica's
    /// answer (502 beyond), in bytes. 8 KiB to 1 MiB, default 64 KiB.
    /// </summary>
    public int MaxHeaderSize { get; set; } = 64 << 10;

    /// <summary>Most request headers; more are answered 431. 10 to 10000, default 100.</summary>
    public int MaxHeaders { get; set; } = 100;

    /// <summary>Longest time from a request's first byte to the end of its headers (408 beyond). Default 15 s.</summary>
    public TimeSpan HeaderTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a client's connection may stay without a request. Default 130 s.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>Longest time to connect to a replica; then another one is tried. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for a replica's slot (503 beyond). Default 5 min.</summary>
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest wait for the first replica of an API that has none (503 beyond). Default 20 min.</summary>
    public TimeSpan WakeTimeout { get; set; } = TimeSpan.FromMinutes(20);

    /// <summary>
    /// Bytes that bodies of requests may take that wait for the first replica of their API, of all APIs together; more are
    /// answered 503 at once. One request takes as much as its body is long, at most 1 MiB, which is what its connection
    /// reads ahead. Default 128 MiB, at least 1 MiB.
    /// </summary>
    public long WakeBuffer { get; set; } = 128L << 20;

    /// <summary>
    /// Longest time in which no byte of a forwarded request or of its answer moves: the request is aborted, with 504
    /// when its answer has not begun. Default 0: none, a model may compute for hours.
    /// </summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// Longest time in which a client sends nothing of a body that a replica waits for, or takes nothing of an answer that it
    /// could take: the request ends, with 408 when its answer has not begun. An API's route may say otherwise. Default 1 min.
    /// </summary>
    public TimeSpan ClientIdleTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Longest time in which nothing moves either way of a stream: a WebSocket or another switched protocol, a gRPC call, and
    /// a request whose answer has begun before its body has ended. An API's route may say otherwise. Default 1 h.
    /// </summary>
    public TimeSpan StreamIdleTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How long an unused connection to a replica is kept. Default 1.5 s, less than the keep-alive time of common
    /// application servers, so that they do not close it just when it is used again.
    /// </summary>
    public TimeSpan UpstreamIdleTimeout { get; set; } = TimeSpan.FromSeconds(1.5);

    /// <summary>
    /// How long a replica's system may acknowledge nothing while a request to it is open: its network is gone, and the
    /// request ends with 502. A replica that computes is not meant, as its system acknowledges. Default 20 s, at least 3 s.
    /// </summary>
    public TimeSpan LostReplicaTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a request with <c>Expect: 100-continue</c> waits for the replica's go-ahead. Default 1 s.</summary>
    public TimeSpan ExpectTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a replica that could not be reached is passed over. Default 1 s.</summary>
    public TimeSpan UnreachableReplicaPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Largest request body that is copied to a splitter's shadow, in bytes; requests with a larger one are not copied. 0 to
    /// 1 GiB, default 1 MiB.
    /// </summary>
    public long ShadowMaxBody { get; set; } = 1 << 20;

    /// <summary>Most bytes of all copies to shadows at a time; what is more is not copied. At least 64 KiB, default 64 MiB.</summary>
    public long ShadowMemory { get; set; } = 64 << 20;

    /// <summary>Longest time of a copy to a shadow, waiting for a replica and its answer included. Default 1 min.</summary>
    public TimeSpan ShadowTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Most open client connections. When they are nearly as many, those that are idle for longest are closed; without an
    /// idle one, the new one is. Default 10000.
    /// </summary>
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>
    /// Most open connections of one client address (of IPv6: of one /64); beyond, its oldest idle one is closed, or the new
    /// one when none is idle. <see cref="TrustedProxies"/> have no such bound. Default 2500.
    /// </summary>
    public int MaxConnectionsPerAddress { get; set; } = 2500;

    /// <summary>Proxies whose X-Forwarded headers are believed and that may open any number of connections. Default none.</summary>
    public Networks TrustedProxies { get; set; } = new([]);

    /// <summary>Tells what must not start or stop anything on endpoints that a handler serves.</summary>
    public ForeignRequests Foreign { get; set; } = new([]);

    /// <summary>What is wrong with the values, all of it; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        Check(MaxRequestBody >= 0, nameof(MaxRequestBody), "0 (no limit) or more", MaxRequestBody);
        Check(MaxHeaderSize is >= 8 << 10 and <= 1 << 20, nameof(MaxHeaderSize), "8192 to 1048576 bytes", MaxHeaderSize);
        Check(MaxHeaders is >= 10 and <= 10_000, nameof(MaxHeaders), "10 to 10000", MaxHeaders);
        Check(MaxConnections is >= 1 and <= 1_000_000, nameof(MaxConnections), "1 to 1000000", MaxConnections);
        Check(ShadowMaxBody is >= 0 and <= 1 << 30, nameof(ShadowMaxBody), "0 to 1073741824 bytes", ShadowMaxBody);
        Check(ShadowMemory >= 64 << 10, nameof(ShadowMemory), "65536 bytes or more", ShadowMemory);
        CheckTime(ShadowTimeout, nameof(ShadowTimeout));
        CheckTime(HeaderTimeout, nameof(HeaderTimeout));
        CheckTime(KeepAliveTimeout, nameof(KeepAliveTimeout));
        Check(MaxConnectionsPerAddress >= 1, nameof(MaxConnectionsPerAddress), "1 or more", MaxConnectionsPerAddress);
        CheckTime(ClientIdleTimeout, nameof(ClientIdleTimeout));
        Check(StreamIdleTimeout >= TimeSpan.FromMilliseconds(1) && StreamIdleTimeout <= TimeSpan.FromDays(7), nameof(StreamIdleTimeout), "1 ms to 7 days", StreamIdleTimeout);
        CheckTime(ConnectTimeout, nameof(ConnectTimeout));
        CheckTime(QueueTimeout, nameof(QueueTimeout));
        CheckTime(WakeTimeout, nameof(WakeTimeout));
        Check(WakeBuffer >= 1 << 20, nameof(WakeBuffer), "1048576 bytes or more", WakeBuffer);
        CheckTime(UpstreamIdleTimeout, nameof(UpstreamIdleTimeout));
        CheckTime(ExpectTimeout, nameof(ExpectTimeout));
        CheckTime(UnreachableReplicaPause, nameof(UnreachableReplicaPause));
        Check(LostReplicaTimeout >= TimeSpan.FromSeconds(3) && LostReplicaTimeout <= TimeSpan.FromDays(1), nameof(LostReplicaTimeout), "3 s to 1 day", LostReplicaTimeout);
        if (IdleTimeout != TimeSpan.Zero)
        {
            CheckTime(IdleTimeout, nameof(IdleTimeout));
        }

        return errors;

        void CheckTime(TimeSpan value, string name) =>
            Check(value >= TimeSpan.FromMilliseconds(1) && value <= TimeSpan.FromDays(1), name, "1 ms to 1 day", value);

        void Check(bool holds, string name, string range, object value)
        {
            if (!holds)
            {
                errors.Add(string.Create(null, $"{name} must be {range}, not {value}"));
            }
        }
    }
}
