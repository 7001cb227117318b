using System.Net;
using System.Text;
using System.Text.Json;
using Cortex.Async.Callbacks;
using Cortex.Async.Endpoint;
using Cortex.Async.Tests.Support;
using Cortex.Gateway;
using Cortex.Gateway.Routing;
using Cortex.Queues;
using Cortex.Routing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Async.Tests.Endpoint;

/// <summary>The endpoint of an API "iris" behind a real gateway on a free loopback port.</summary>
internal sealed class EndpointHost : IAsyncDisposable
{
    public const string Queue = "async/iris";
    private readonly GatewayServer _gateway;
    private readonly IQueueStore _store;
    private readonly CancellationTokenSource _stopping;

    private EndpointHost(GatewayServer gateway, IQueueStore store, CancellationTokenSource stopping)
    {
        _stopping = stopping;
        _gateway = gateway;
        _store = store;
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false })
        {
            BaseAddress = new Uri($"http://{gateway.EndPoints[0]}/"),
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    public HttpClient Client { get; }

    public IPEndPoint EndPoint => _gateway.EndPoints[0];

    /// <summary>The store, where the test uses the one in memory.</summary>
    public MemoryQueueStore Memory => (MemoryQueueStore)_store;

    public static async Task<EndpointHost> StartAsync(
        IQueueStore? store = null, QueuePolicy? policy = null, AsyncOptions? options = null, CallbackOptions? callbacks = null, Action<string>? awaken = null, params ReplicaAddress[] replicas)
    {
        store ??= new MemoryQueueStore(TimeProvider.System);
        await store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(168)), CancellationToken.None);
        await store.ConfigureAsync("callbacks", new QueueSettings(TimeSpan.FromHours(168)), CancellationToken.None);
        var route = Route(policy ?? new QueuePolicy()) with { Replicas = [.. replicas] };
        var stopping = new CancellationTokenSource();
        var endpoint = new AsyncEndpoint(
            store, options ?? new AsyncOptions(), new TargetRules(callbacks ?? new CallbackOptions()), route, TimeProvider.System, NullLogger.Instance)
        {
            Stopping = stopping.Token,
            Awaken = awaken ?? (static _ => { }),
        };
        var gateway = new GatewayServer(
            new GatewayOptions(), [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0))], NullLoggerFactory.Instance, TimeProvider.System);
        gateway.Apply(new GatewayRoutes([]) { Handlers = [new HandlerRoute(route.Name, "AsyncAPI", route.Endpoint, endpoint)] });
        await gateway.StartAsync(CancellationToken.None);
        return new EndpointHost(gateway, store, stopping);
    }

    public static AsyncRoute Route(QueuePolicy policy) => new()
    {
        Name = "iris",
        Endpoint = "/iris",
        MaxConcurrency = 1,
        Policy = policy,
        CallbackKey = Convert.ToBase64String("0123456789abcdef0123456789abcdef"u8),
        Replicas = [],
    };

    /// <summary>Tells the endpoint that the server is about to stop.</summary>
    public void AnnounceStop() => _stopping.Cancel();

    public async Task<HttpResponseMessage> SendAsync(string method, string target, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), target) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Client.SendAsync(request);
    }

    /// <summary>Submits a payload and returns its id.</summary>
    public async Task<string> SubmitAsync(string payload = "{}", params (string Name, string Value)[] headers)
    {
        using var answer = await SendAsync("POST", "iris", new StringContent(payload), headers);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("id").GetString()!;
    }

    public async Task<JsonElement> GetAsync(string id, string query = "") => JsonDocument.Parse(await Client.GetStringAsync($"iris/{id}{query}")).RootElement;

    /// <summary>Leases the next message as a worker would.</summary>
    public async Task<LeasedMessage> LeaseAsync() =>
        await _store.LeaseAsync(Queue, TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(30), CancellationToken.None) ?? throw new InvalidOperationException("no message came");

    /// <summary>Works off the next message.</summary>
    public async Task CompleteNextAsync(string result) => await CompleteNextAsync(Body.Of(Encoding.UTF8.GetBytes(result)));

    public async Task CompleteNextAsync(Body result) => Assert.True(await _store.CompleteAsync((await LeaseAsync()).Lease, result, CancellationToken.None));

    /// <summary>Fails the next message for good.</summary>
    public async Task FailNextAsync(Attempt attempt) => Assert.True(await _store.FailAsync((await LeaseAsync()).Lease, attempt, null, null, CancellationToken.None));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _gateway.DisposeAsync();
        await _store.DisposeAsync();
        _stopping.Dispose();
    }
}
