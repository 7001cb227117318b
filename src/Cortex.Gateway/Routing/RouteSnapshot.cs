namespace Cortex.Gateway.Routing;

/// <summary>Everything that the gateway needs to know of the APIs at one moment. A change swaps the whole.</summary>
/// <param name="Apis">One entry per API; names and endpoints are unique.</param>
public sealed record RouteSnapshot(IReadOnlyList<ApiRoute> Apis)
{
    /// <summary>Endpoints that are served without a replica; their names and endpoints are none of <see cref="Apis"/>'.</summary>
    public IReadOnlyList<HandlerRoute> Handlers { get; init; } = [];

    /// <summary>Endpoints whose requests are shared by <see cref="Apis"/>; their names and endpoints are no others'.</summary>
    public IReadOnlyList<SplitRoute> Splits { get; init; } = [];
}

/// <summary>One Realtime API as the gateway sees it.</summary>
public sealed record ApiRoute
{
    /// <summary>The API's name; counters and queues are kept under it from one snapshot to the next.</summary>
    public required string Name { get; init; }

    /// <summary>The API's kind, for metrics.</summary>
    public required string Kind { get; init; }

    /// <summary>Starts with a slash and ends without one.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Requests that one replica gets at once.</summary>
    public required int MaxConcurrency { get; init; }

    /// <summary>Requests that may wait, per replica.</summary>
    public required int MaxQueueLength { get; init; }

    /// <summary>The replicas that take requests now. One that left the list gets no new request and may finish what it has.</summary>
    public required IReadOnlyList<ReplicaAddress> Replicas { get; init; }

    /// <summary>How long a client may pause; null for <see cref="GatewayOptions.ClientIdleTimeout"/>.</summary>
    public TimeSpan? ClientIdleTimeout { get; init; }

    /// <summary>How long a stream may pause; null for <see cref="GatewayOptions.StreamIdleTimeout"/>.</summary>
    public TimeSpan? StreamIdleTimeout { get; init; }

    /// <summary>
    /// Whether a request that finds no replica wakes the API and waits for one, instead of being answered 503: at most
    /// <see cref="MaxConcurrency"/> + <see cref="MaxQueueLength"/> of them.
    /// </summary>
    public bool Wakeable { get; init; }

    /// <summary>Why no replica can start, for clients: with it, none waits for one. Null while one may come.</summary>
    public string? StartFailure { get; init; }

    /// <summary>Why no replica is ready yet, for clients that have waited in vain. Null when nothing is known.</summary>
    public string? StartDelay { get; init; }
}

/// <summary>Where one replica takes requests.</summary>
/// <param name="Id">The pod's id.</param>
/// <param name="Host">An IP address.</param>
/// <param name="Port">1-65535.</param>
public sealed record ReplicaAddress(string Id, string Host, int Port);
