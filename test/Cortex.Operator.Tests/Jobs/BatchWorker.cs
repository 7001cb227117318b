using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Tests.Jobs;

/// <summary>What the pods of a fake machine would serve: takes batches and remembers them.</summary>
internal sealed class BatchWorker : IAsyncDisposable
{
    private readonly WebApplication _app;

    private BatchWorker(WebApplication app) => _app = app;

    public int Port { get; private set; }

    /// <summary>Path and body of what came, in order.</summary>
    public ConcurrentQueue<(string Path, string Body, string JobId)> Requests { get; } = new();

    /// <summary>Answers a batch; 200 by default.</summary>
    public Func<string, Task<(int Status, string Body)>> Answer { get; set; } = _ => Task.FromResult((200, ""));

    public IEnumerable<string> Batches => Requests.Where(request => request.Path == "/").Select(request => request.Body);

    public static async Task<BatchWorker> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var worker = new BatchWorker(app);
        app.Run(worker.HandleAsync);
        await app.StartAsync();
        worker.Port = new Uri(app.Urls.Single()).Port;
        return worker;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        Requests.Enqueue((context.Request.Path, body, context.Request.Headers["X-Cortex-Job-ID"].ToString()));
        var (status, text) = context.Request.Path == "/" ? await Answer(body) : (200, "");
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(text);
    }
}
