// The gateway alone, with fixed routes, to be measured: PORT UPSTREAM_PORT MAX_CONCURRENCY MAX_QUEUE_LENGTH [APIS]
// It serves /bench, the same through splitters at /single, /split, /sticky and /shadow, and /other-N.
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Cortex.Gateway;
using Cortex.Gateway.Routing;
using Cortex.Routing;
using Microsoft.Extensions.Logging;

// Before the first socket: it is read once.
if (Environment.GetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS") is null)
{
    Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
}

var numbers = args.Select(arg => int.Parse(arg, CultureInfo.InvariantCulture)).ToArray();
var (port, upstream, concurrency, queue) = (numbers[0], numbers[1], numbers[2], numbers[3]);
var apis = numbers.Length > 4 ? numbers[4] : 200;

using var loggers = LoggerFactory.Create(static logging => logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Warning));
await using var gateway = new GatewayServer(
    new GatewayOptions(), [new GatewayListener(new IPEndPoint(IPAddress.Loopback, port))], loggers, TimeProvider.System);
gateway.Apply(new GatewayRoutes(
    [.. Enumerable.Range(0, apis).Select(i => Api($"other-{i}")), Api("bench"), Api("bench-2"), Api("dark")])
{
    Splits =
    [
        Split("single", new SplitTarget("bench", 100, false)),
        Split("split", new("bench", 75, false), new("bench-2", 25, false)),
        Split("sticky", new("bench", 75, false), new("bench-2", 25, false)) with { Sticky = new StickyKey("X-User", IsCookie: false), SlowAfter = TimeSpan.FromSeconds(1) },
        Split("shadow", new("bench", 75, false), new("bench-2", 25, false), new("dark", 100, true)),
    ],
});
await gateway.StartAsync(CancellationToken.None);
Console.WriteLine("ready");

var stop = new TaskCompletionSource();
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => { context.Cancel = true; stop.TrySetResult(); });
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => { context.Cancel = true; stop.TrySetResult(); });
await stop.Task;
if (Environment.GetEnvironmentVariable("GATEWAY_HOST_STATS") is not null)
{
    gateway.WriteMetrics(Console.Out);
    Console.WriteLine($"# allocated {GC.GetTotalAllocatedBytes()} bytes, {GC.CollectionCount(0)} collections, heap {GC.GetTotalMemory(false)} bytes, {ThreadPool.CompletedWorkItemCount} thread pool items");
}

await gateway.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(2)).Token);

RealtimeRoute Api(string name) => new()
{
    Name = name,
    Endpoint = "/" + name,
    MaxConcurrency = concurrency,
    MaxQueueLength = queue,
    Replicas = [new ReplicaAddress(name + "-1", "127.0.0.1", upstream)],
};

SplitRoute Split(string name, params SplitTarget[] targets) => new()
{
    Name = name,
    Endpoint = "/" + name,
    Targets = [.. targets],
};
