namespace Cortex.Routing;

/// <summary>One Realtime API as a gateway sees it.</summary>
public sealed record RealtimeRoute
{
    /// <summary>The API's name; counters and queues are kept under it from one snapshot to the next.</summary>
    public required string Name { get; init; }

    /// <summary>Starts with a slash and ends without one.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Requests that one replica gets at once; at least 1.</summary>
    public required int MaxConcurrency { get; init; }

    /// <summary>Requests that may wait, per replica.</summary>
    public required int MaxQueueLength { get; init; }

    /// <summary>The replicas that take requests now. One that left the list gets no new request and may finish what it has.</summary>
    public required RouteList<ReplicaAddress> Replicas { get; init; }

    /// <summary>How long a client may pause; null for the gateway's default.</summary>
    public TimeSpan? ClientIdleTimeout { get; init; }

    /// <summary>How long a stream may pause; null for the gateway's default.</summary>
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
