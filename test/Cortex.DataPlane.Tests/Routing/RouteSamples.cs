using Cortex.Routing;

namespace Cortex.DataPlane.Tests.Routing;

/// <summary>Routes in which no property has its default.</summary>
internal static class RouteSamples
{
    public static RouteSnapshot Full { get; } = new()
    {
        Version = 7,
        Realtime =
        [
            new RealtimeRoute
            {
                Name = "iris",
                Endpoint = "/iris",
                MaxConcurrency = 2,
                MaxQueueLength = 3,
                Replicas = [new ReplicaAddress("iris-1", "10.0.0.1", 8080, 4), new ReplicaAddress("iris-2", "10.0.0.2", 8081)],
                ClientIdleTimeout = TimeSpan.FromSeconds(5),
                StreamIdleTimeout = TimeSpan.FromMilliseconds(1500),
                Wakeable = true,
                StartFailure = "no such image: \"app:1\"",
                StartDelay = "pulling\n",
            },
        ],
        Async =
        [
            new AsyncRoute
            {
                Name = "texts",
                Endpoint = "/texts",
                MaxConcurrency = 5,
                Policy = new QueuePolicy
                {
                    MaxAttempts = 2,
                    RetryBackoff = TimeSpan.FromSeconds(3),
                    RetryBackoffMax = TimeSpan.FromMinutes(4),
                    Timeout = TimeSpan.FromHours(1),
                    ResultRetention = TimeSpan.FromDays(5),
                    MaxPayload = 6,
                    MaxResult = 7,
                    MaxLostAttempts = 8,
                },
                CallbackKey = "MDEyMzQ1Njc4OTAxMjM0NQ==",
                Replicas = [new ReplicaAddress("texts-1", "::1", 1, 1)],
            },
        ],
        Jobs = [new JobRoute("train", "TaskAPI", "/train")],
        Splits =
        [
            new SplitRoute
            {
                Name = "split",
                Endpoint = "/split",
                Targets = [new SplitTarget("dark", 5, Shadow: true), new SplitTarget("iris", 100, Shadow: false)],
                Sticky = new StickyKey("session", IsCookie: true),
                SlowAfter = TimeSpan.FromSeconds(9),
            },
        ],
    };
}
