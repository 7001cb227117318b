using Cortex.Routing;

namespace Cortex.Gateway.Routing;

/// <summary>What a gateway's endpoints lead to at one moment. A change swaps the whole. Names and endpoints are unique over all kinds.</summary>
/// <param name="Apis">Realtime APIs.</param>
public sealed record GatewayRoutes(IReadOnlyList<RealtimeRoute> Apis)
{
    /// <summary>Endpoints that are served without a replica.</summary>
    public IReadOnlyList<HandlerRoute> Handlers { get; init; } = [];

    /// <summary>Endpoints whose requests are shared by <see cref="Apis"/>.</summary>
    public IReadOnlyList<SplitRoute> Splits { get; init; } = [];
}
