using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cortex.Client.Tests.Support;

/// <summary>A web server that is operator and gateway in one. It answers each route as a test says, and keeps what it was asked.</summary>
internal sealed class ClusterServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<RequestDelegate>> _answers = [];
    private readonly WebApplication _server;

    private ClusterServer(WebApplication server) => _server = server;

    public string Endpoint => _server.Urls.Single();

    /// <summary>Method, path and query, token and body of what came, in turn.</summary>
    public ConcurrentQueue<Asked> Requests { get; } = [];

    public static async Task<ClusterServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(options => options.Limits.MinRequestBodyDataRate = null);
        var server = new ClusterServer(builder.Build());
        server._server.UseWebSockets();
        server._server.Run(server.AnswerAsync);
        await server._server.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    /// <summary>A client of it whose pauses take no time.</summary>
    public CortexClient Connect(bool retries = true, TimeProvider? time = null) => new(
        new CortexEnvironment { Name = "here", OperatorEndpoint = Endpoint, Token = "secret" },
        new ClientOptions { Retries = retries, TimeProvider = time ?? new JumpingTime() });

    /// <summary>Answers a route; what is said several times is answered in turn, the last one for good.</summary>
    public ClusterServer On(string methodAndPath, string json, int status = StatusCodes.Status200OK) => On(methodAndPath, async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(json);
    });

    public ClusterServer On(string methodAndPath, RequestDelegate answer)
    {
        _answers.GetOrAdd(methodAndPath, _ => []).Enqueue(answer);
        return this;
    }

    /// <summary>Breaks the connection once the request has come.</summary>
    public ClusterServer Break(string methodAndPath) => On(methodAndPath, async context =>
    {
        await context.Request.Body.CopyToAsync(Stream.Null);
        context.Abort();
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var route = $"{context.Request.Method} {context.Request.Path}";
        var asked = new Asked($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}", context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase));
        Requests.Enqueue(asked);
        if (!_answers.TryGetValue(route, out var answers) || !answers.TryPeek(out var answer))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync($"{{\"kind\":\"test.nobody_expected\",\"message\":\"nobody expected {route}\"}}");
            return;
        }

        if (answers.Count > 1)
        {
            answers.TryDequeue(out answer);
        }

        var body = new MemoryStream();
        context.Request.EnableBuffering();
        if (context.Request.Headers.ContentType != "application/x-ndjson" && !context.WebSockets.IsWebSocketRequest)
        {
            await context.Request.Body.CopyToAsync(body);
            context.Request.Body.Position = 0;
            asked.Body = System.Text.Encoding.UTF8.GetString(body.ToArray());
        }

        await answer!(context);
    }
}

/// <summary>What a client asked.</summary>
internal sealed record Asked(string Line, IReadOnlyDictionary<string, string> Headers)
{
    public string Body { get; set; } = "";
}
