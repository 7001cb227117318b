using System.Net;
using Cortex.Gateway.Routing;
using Cortex.Routing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Gateway.Tests.Support;

/// <summary>A gateway on a free loopback port.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    private TestGateway(GatewayServer server)
    {
        Server = server;
        EndPoint = server.EndPoints[0];
        Client = new HttpClient(new VersionHandler(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }))
        {
            BaseAddress = new Uri($"http://127.0.0.1:{EndPoint.Port}/"),
            Timeout = Eventually.Limit,
        };
    }

    public GatewayServer Server { get; }

    public IPEndPoint EndPoint { get; }

    public HttpClient Client { get; }

    public static Task<TestGateway> StartAsync(params RealtimeRoute[] apis) => StartAsync(new GatewayOptions(), apis);

    public static async Task<TestGateway> StartAsync(GatewayOptions options, params RealtimeRoute[] apis) =>
        await StartAsync(options, other: null, apis);

    public static async Task<TestGateway> StartAsync(GatewayOptions options, OtherApplication? other, params RealtimeRoute[] apis) =>
        await StartAsync(options, other, static _ => { }, apis);

    public static async Task<TestGateway> StartAsync(GatewayOptions options, OtherApplication? other, Action<string> awaken, params RealtimeRoute[] apis)
    {
        var server = new GatewayServer(
            options, [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0), other)], NullLoggerFactory.Instance, TimeProvider.System, awaken);
        server.Apply(new GatewayRoutes(apis));
        await server.StartAsync(TestContext.Current.CancellationToken);
        return new TestGateway(server);
    }

    /// <summary>Opens a connection, sends bytes and gives it to the test.</summary>
    public async Task<RawConnection> SendAsync(string bytes)
    {
        var connection = await RawClient.OpenAsync(EndPoint);
        await connection.SendAsync(bytes);
        return connection;
    }

    /// <summary>Sends a GET that asks for the connection's end, and reads everything.</summary>
    public async Task<string> GetRawAsync(string target, string headers = "")
    {
        using var connection = await SendAsync($"GET {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n");
        return await connection.ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }

    /// <summary>Sends requests over the protocol of the running test, unless they name one.</summary>
    private sealed class VersionHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.VersionPolicy != HttpVersionPolicy.RequestVersionExact)
            {
                (request.Version, request.VersionPolicy) = (ForwardingTests.Version, HttpVersionPolicy.RequestVersionExact);
            }

            return base.SendAsync(request, cancellationToken);
        }
    }
}
