using System.Net;
using System.Net.Sockets;
using System.Text;
using Cortex.Async;
using Cortex.Dispatch;
using Cortex.Gateway;
using Cortex.Gateway.Routing;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.DataPlane.Tests;

public sealed class LocalDataPlaneTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-plane-").FullName;
    private readonly TcpListener _replica = new(IPAddress.Loopback, 0);
    private FolderBlobStore _blobs = null!;
    private SqliteQueueStore _store = null!;
    private AsyncService _async = null!;
    private GatewayServer _gateway = null!;
    private LocalDataPlane _plane = null!;
    private HttpClient _client = null!;
    private Exception? _trouble;

    [Fact]
    public async Task Apply_EachKind_IsAnsweredByWhatItNames()
    {
        _plane.Apply(Routes(1));

        Assert.Equal("a replica", await GetAsync("/iris"));
        Assert.Equal("a replica", await GetAsync("/split"));
        Assert.Equal("the jobs of train", await GetAsync("/train"));
        await Eventually.TrueAsync(async () => (await _client.PostAsync(new Uri("/texts", UriKind.Relative), new StringContent("{}"))).IsSuccessStatusCode, "it takes an async request");
        Assert.Equal((0, 0), _plane.GetTraffic("iris") is { } traffic ? (traffic.InFlight, traffic.Queued) : default);
        Assert.Null(_plane.GetTraffic("texts"));
        Assert.NotNull(_plane.GetQueue("texts"));
        Assert.Null(_plane.GetQueue("iris"));
        Assert.Equal(1, Assert.Single(_plane.GetSplitTraffic("split")).Requests);
        using var metrics = new StringWriter();
        _plane.WriteMetrics(metrics);
        Assert.Contains("api_name=\"iris\"", metrics.ToString(), StringComparison.Ordinal);
        Assert.Contains("api_name=\"texts\"", metrics.ToString(), StringComparison.Ordinal);

        _plane.Apply(RouteSnapshot.Empty with { Version = 2 });

        foreach (var path in new[] { "/iris", "/split", "/train", "/texts" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri(path, UriKind.Relative))).StatusCode);
        }
    }

    [Fact]
    public async Task Apply_MovedEndpoints_LeadFromTheNewOnes()
    {
        _plane.Apply(Routes(1));
        _plane.Apply(Routes(2) with
        {
            Jobs = [new JobRoute("train", "TaskAPI", "/moved")],
            Async = [Routes(2).Async[0] with { Endpoint = "/texts2" }],
        });

        Assert.Equal("the jobs of train", await GetAsync("/moved"));
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri("/train", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri("/texts", UriKind.Relative))).StatusCode);
        await Eventually.TrueAsync(async () => (await _client.PostAsync(new Uri("/texts2", UriKind.Relative), new StringContent("{}"))).IsSuccessStatusCode, "it takes an async request");
    }

    [Fact]
    public async Task Apply_AfterAFailure_DoesAllOfItAgain()
    {
        _trouble = new IOException("no jobs");
        Assert.Same(_trouble, Assert.Throws<IOException>(() => _plane.Apply(Routes(1))));
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri("/iris", UriKind.Relative))).StatusCode);

        _trouble = null;
        _plane.Apply(Routes(1));

        Assert.Equal("a replica", await GetAsync("/iris"));
        Assert.Equal("the jobs of train", await GetAsync("/train"));
        await Eventually.TrueAsync(async () => (await _client.PostAsync(new Uri("/texts", UriKind.Relative), new StringContent("{}"))).IsSuccessStatusCode, "it takes an async request");
    }

    [Fact]
    public async Task Drain_RealtimeRequestInProgress_IsWaitedFor()
    {
        _plane.Apply(Routes(1));
        var answer = _client.GetAsync(new Uri("/iris/slow", UriKind.Relative));
        await Eventually.TrueAsync(() => _plane.GetTraffic("iris")!.Value.InFlight == 1, "it is in progress");
        _plane.Apply(Routes(2) with { Realtime = [Routes(2).Realtime[0] with { Replicas = [] }] });

        var drained = _plane.DrainAsync("iris-1", TimeSpan.Zero, TestContext.Current.CancellationToken);
        Assert.False(drained.IsCompleted);
        _slow.SetResult();

        await drained.WithinLimit();
        Assert.Equal(HttpStatusCode.OK, (await answer.WithinLimit()).StatusCode);
        await _plane.DrainAsync("unknown", TimeSpan.Zero, TestContext.Current.CancellationToken).WithinLimit();
    }

    private readonly TaskCompletionSource _slow = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask InitializeAsync()
    {
        _replica.Start();
        _ = ServeAsync();
        _blobs = new FolderBlobStore(Path.Combine(_folder, "blobs"));
        _store = await SqliteQueueStore.OpenAsync(Path.Combine(_folder, "queues.db"), new QueueStoreOptions(), _blobs, TimeProvider.System, NullLogger.Instance);
        _async = new AsyncService(_store, new AsyncOptions(), new DispatchOptions(), new CallbackOptions(), NullLoggerFactory.Instance, TimeProvider.System);
        _gateway = new GatewayServer(new GatewayOptions(), [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0))], NullLoggerFactory.Instance, TimeProvider.System);
        _plane = new LocalDataPlane(_gateway, _async, job => _trouble is null ? new Jobs(job.Name) : throw _trouble);
        await _async.StartAsync(CancellationToken.None);
        await _gateway.StartAsync(CancellationToken.None);
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_gateway.EndPoints[0].Port}/"), Timeout = Eventually.Limit };
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _gateway.DisposeAsync();
        await _async.DisposeAsync();
        await _store.DisposeAsync();
        await _blobs.DisposeAsync();
        _replica.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private RouteSnapshot Routes(long version) => new()
    {
        Version = version,
        Realtime =
        [
            new RealtimeRoute
            {
                Name = "iris",
                Endpoint = "/iris",
                MaxConcurrency = 1,
                MaxQueueLength = 1,
                Replicas = [new ReplicaAddress("iris-1", "127.0.0.1", ((IPEndPoint)_replica.LocalEndpoint).Port)],
            },
        ],
        Async = [new AsyncRoute { Name = "texts", Endpoint = "/texts", MaxConcurrency = 1, Policy = new QueuePolicy(), CallbackKey = Convert.ToBase64String(new byte[32]), Replicas = [] }],
        Jobs = [new JobRoute("train", "TaskAPI", "/train")],
        Splits = [new SplitRoute { Name = "split", Endpoint = "/split", Targets = [new SplitTarget("iris", 100, Shadow: false)] }],
    };

    private async Task<string> GetAsync(string path) => await _client.GetStringAsync(new Uri(path, UriKind.Relative));

    /// <summary>Answers each request of a connection, what ends on "slow" only when the test says so.</summary>
    private async Task ServeAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _replica.AcceptSocketAsync();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;   // the test is over
            }

            _ = AnswerAsync(socket);
        }
    }

    private async Task AnswerAsync(Socket socket)
    {
        using var stream = new NetworkStream(socket, ownsSocket: true);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        while (await reader.ReadLineAsync() is { } line)
        {
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
            }

            if (line.Contains("slow", StringComparison.Ordinal))
            {
                await _slow.Task;
            }

            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na replica"u8.ToArray());
        }
    }

    private sealed record Jobs(string Name) : IEndpointHandler
    {
        public Task HandleAsync(HttpContext http, string target, int start, int end) => http.Response.WriteAsync($"the jobs of {Name}");
    }
}
