using System.Net;
using Cortex.Gateway.Routing;
using Cortex.Routing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Tests.Support;

/// <summary>A well-behaved replica.</summary>
internal sealed class AppUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private AppUpstream(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    public ReplicaAddress Address(string id = "r1") => new(id, "127.0.0.1", Port);

    public static async Task<AppUpstream> StartAsync(RequestDelegate handler, HttpProtocols protocols = HttpProtocols.Http1)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols);
        });
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(handler);
        await app.StartAsync();
        return new AppUpstream(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }
}
