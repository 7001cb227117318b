using Cortex.Async;
using Cortex.Gateway.Routing;

namespace Cortex.Server;

/// <summary>Answers 503 at the endpoints of Async APIs, until the service that keeps their requests is wired.</summary>
internal sealed class NoAsyncService : IAsyncService, IEndpointHandler
{
    public IReadOnlyList<HandlerRoute> Apply(AsyncSnapshot snapshot) => [.. snapshot.Apis.Select(api => new HandlerRoute(api.Name, "AsyncAPI", api.Endpoint, this))];

    public Task DrainAsync(string replicaId, TimeSpan grace, CancellationToken cancellationToken) => Task.CompletedTask;

    public AsyncTraffic? GetTraffic(string apiName) => null;

    public void WriteMetrics(TextWriter writer)
    {
    }

    public Task HandleAsync(HttpContext http, string target, int start, int end)
    {
        http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return http.Response.WriteAsync("error: this build does not keep requests of Async APIs yet\n", http.RequestAborted);
    }
}
