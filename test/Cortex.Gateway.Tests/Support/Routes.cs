using Cortex.Gateway.Routing;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Support;

internal static class Routes
{
    public static RealtimeRoute Api(string name, int maxConcurrency, int maxQueueLength, params ReplicaAddress[] replicas) => new()
    {
        Name = name,
        Endpoint = "/" + name,
        MaxConcurrency = maxConcurrency,
        MaxQueueLength = maxQueueLength,
        Replicas = [.. replicas],
    };

    public static ReplicaAddress Replica(string id, int port = 1) => new(id, "127.0.0.1", port);

    public static GatewayRoutes Snapshot(params RealtimeRoute[] apis) => new(apis);

    public static SplitRoute Split(string name, params SplitTarget[] targets) => new()
    {
        Name = name,
        Endpoint = "/" + name,
        Targets = [.. targets],
    };
}
