using Cortex.Gateway.Routing;

namespace Cortex.Gateway.Tests.Support;

internal static class Routes
{
    public static ApiRoute Api(string name, int maxConcurrency, int maxQueueLength, params ReplicaAddress[] replicas) => new()
    {
        Name = name,
        Kind = "RealtimeAPI",
        Endpoint = "/" + name,
        MaxConcurrency = maxConcurrency,
        MaxQueueLength = maxQueueLength,
        Replicas = replicas,
    };

    public static ReplicaAddress Replica(string id, int port = 1) => new(id, "127.0.0.1", port);

    public static RouteSnapshot Snapshot(params ApiRoute[] apis) => new(apis);

    public static SplitRoute Split(string name, params SplitTarget[] targets) => new()
    {
        Name = name,
        Kind = "TrafficSplitter",
        Endpoint = "/" + name,
        Targets = targets,
    };
}
