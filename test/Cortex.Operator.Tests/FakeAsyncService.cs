using Cortex.Async;
using Cortex.Gateway.Routing;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Tests;

/// <summary>Remembers the Async APIs, and drains when it is told to.</summary>
internal sealed class FakeAsyncService : IAsyncService
{
    private readonly Dictionary<string, NoHandler> _handlers = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    public AsyncSnapshot? Snapshot { get; private set; }

    public int Applied { get; private set; }

    public List<(string Replica, TimeSpan Grace)> Drained { get; } = [];

    public Dictionary<string, AsyncTraffic> Traffic { get; } = new(StringComparer.Ordinal);

    /// <summary>What a drain waits for; null for nothing.</summary>
    public TaskCompletionSource? Busy { get; set; }

    public AsyncRoute? Route(string api) => Snapshot?.Apis.SingleOrDefault(route => route.Name == api);

    public IReadOnlyList<HandlerRoute> Apply(AsyncSnapshot snapshot)
    {
        lock (_lock)
        {
            Snapshot = snapshot;
            Applied++;
            return [.. snapshot.Apis.Select(api => new HandlerRoute(api.Name, "AsyncAPI", api.Endpoint, Handler(api.Name)))];
        }
    }

    public async Task DrainAsync(string replicaId, TimeSpan grace, CancellationToken cancellationToken)
    {
        Assert.DoesNotContain(Snapshot!.Apis, route => route.Replicas.Any(replica => replica.Id == replicaId));
        if (Busy is { } busy)
        {
            await busy.Task.WaitAsync(cancellationToken);
        }

        lock (_lock)
        {
            Drained.Add((replicaId, grace));
        }
    }

    public AsyncTraffic? GetTraffic(string apiName) => Traffic.TryGetValue(apiName, out var traffic) ? traffic : null;

    public Task<ReadOnlyMemory<byte>> ListAsync(string apiName, RequestQuery query, CancellationToken cancellationToken) => query.Limit == "0"
        ? throw new ArgumentException("limit must be a number from 1 to 1000")
        : Task.FromResult<ReadOnlyMemory<byte>>(System.Text.Encoding.UTF8.GetBytes($"{{\"requests\":[],\"asked\":\"{apiName} {query.Status} {query.Cursor}\"}}"));

    public void WriteMetrics(TextWriter writer) => writer.Write("# HELP async_up One.\n# TYPE async_up gauge\nasync_up 1\n");

    private NoHandler Handler(string api) => _handlers.TryGetValue(api, out var handler) ? handler : _handlers[api] = new NoHandler();

    private sealed class NoHandler : IEndpointHandler
    {
        public Task HandleAsync(HttpContext http, string target, int start, int end) => throw new NotSupportedException();
    }
}
