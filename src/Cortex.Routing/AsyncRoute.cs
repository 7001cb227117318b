namespace Cortex.Routing;

/// <summary>One Async API as a gateway sees it.</summary>
public sealed record AsyncRoute
{
    /// <summary>The API's name; its queue is kept under it.</summary>
    public required string Name { get; init; }

    /// <summary>Starts with a slash and ends without one.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Requests that one replica gets at once; at least 1.</summary>
    public required int MaxConcurrency { get; init; }

    /// <summary>How its requests are kept and tried.</summary>
    public required QueuePolicy Policy { get; init; }

    /// <summary>Signs callbacks: at least 16 bytes, in base64. A secret.</summary>
    public required string CallbackKey { get; init; }

    /// <summary>The replicas that take requests now.</summary>
    public required RouteList<ReplicaAddress> Replicas { get; init; }
}
