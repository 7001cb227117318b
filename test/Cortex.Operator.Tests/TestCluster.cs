using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Cortex.Core.Clusters;
using Cortex.Core.Wire;
using Cortex.Gateway.Routing;
using Cortex.Jobs.Storing;
using Cortex.Operator.State;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite;
using Cortex.Routing;
using Cortex.Runtimes;
using Cortex.Runtimes.Fake;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Operator.Tests;

/// <summary>A whole operator over a fake machine and a fake gateway, reached over real HTTP.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    public const string Token = "secret";

    private readonly string _directory;
    private OperatorServer _server = null!;
    private readonly FolderBlobStore _blobs;
    private readonly SqliteQueueStore _queues;
    private bool _stopped;

    private TestCluster(string directory, FakeMachine machine, FakeDataPlane dataPlane, FolderBlobStore blobs, SqliteQueueStore queues)
    {
        (_directory, _blobs, _queues) = (directory, blobs, queues);
        Machine = machine;
        DataPlane = dataPlane;
        Runtime = new FakeRuntime(machine);
    }

    public FakeMachine Machine { get; }

    public FakeRuntime Runtime { get; }

    public FakeDataPlane DataPlane { get; }

    public HttpClient Client { get; private set; } = null!;

    public Uri Url { get; private set; } = null!;

    /// <param name="config">The cluster's settings; the defaults when null.</param>
    /// <param name="faults">What fails.</param>
    /// <param name="reconciles">Whether the loops run; without them only what a request does by itself is done.</param>
    public static Task<TestCluster> StartAsync(ClusterConfig? config = null, Faults? faults = null, bool reconciles = true) => StartAsync(
        Directory.CreateTempSubdirectory("cortex-operator-").FullName, new FakeMachine(TimeProvider.System), new FakeDataPlane(), config ?? new ClusterConfig(), faults ?? new Faults(), reconciles);

    /// <summary>Plays a restart of the server: same machine, same state, new process.</summary>
    public async Task<TestCluster> RestartAsync()
    {
        await StopAsync();
        return await StartAsync(_directory, Machine, new FakeDataPlane(), new ClusterConfig(), new Faults(), reconciles: true);
    }

    public async Task<IReadOnlyList<DeployResult>> DeployAsync(string yaml, bool force = false)
    {
        using var response = await PostConfigAsync(yaml, force);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        return JsonSerializer.Deserialize(body, WireJson.Contract.IReadOnlyListDeployResult)!;
    }

    public async Task<HttpResponseMessage> PostConfigAsync(string yaml, bool force = false)
    {
        using var form = new MultipartFormDataContent { { new StringContent(yaml), "config", "cortex.yaml" } };
        return await Client.PostAsync(new Uri($"/deploy?configFileName=cortex.yaml&force={(force ? "true" : "false")}", UriKind.Relative), form);
    }

    public async Task<ApiResponse> GetAsync(string path)
    {
        var apis = await GetListAsync(path);
        return Assert.Single(apis);
    }

    public async Task<IReadOnlyList<ApiResponse>> GetListAsync(string path) =>
        JsonSerializer.Deserialize(await Client.GetStringAsync(new Uri(path, UriKind.Relative)), WireJson.Contract.IReadOnlyListApiResponse)!;

    public static async Task<ErrorResponse> ErrorAsync(HttpResponseMessage response, HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {body}");
        Assert.EndsWith("}\n", body, StringComparison.Ordinal);
        return JsonSerializer.Deserialize(body, WireJson.Contract.ErrorResponse)!;
    }

    public async Task<ReplicaCounts> CountsAsync(string api) => (await GetAsync($"/describe/{api}")).Status!.ReplicaCounts!;

    /// <summary>What answers the requests of an API that runs jobs.</summary>
    public IEndpointHandler HandlerOf(JobRoute route) => _server.HandlerOf(route);

    public IEnumerable<string> Routes => _server.RoutePatterns;

    /// <summary>Says that requests wait for the API's first replica.</summary>
    public void Awaken(string api) => _server.Awaken(api);

    public Task ReadyAsync(string api, int replicas) =>
        Eventually.TrueAsync(() => DataPlane.Route(api)?.Replicas.Count == replicas, $"{api} has {replicas} replicas in the routes");

    public static string Api(string name, string image = "app:1", int replicas = 1, string strategy = "{max_surge: 1, max_unavailable: 0}", string? endpoint = null) => $$"""
        - name: {{name}}
          kind: RealtimeAPI
          pod:
            port: 8080
            max_concurrency: 2
            containers:
            - name: api
              image: {{image}}
          autoscaling: {min_replicas: {{replicas}}, init_replicas: {{replicas}}}
          update_strategy: {{strategy}}
          networking: {endpoint: {{endpoint ?? "/" + name}}}

        """;

    public async ValueTask DisposeAsync()
    {
        if (!_stopped)
        {
            await StopAsync();
            Directory.Delete(_directory, recursive: true);
        }
    }

    private static async Task<TestCluster> StartAsync(string directory, FakeMachine machine, FakeDataPlane dataPlane, ClusterConfig config, Faults faults, bool reconciles)
    {
        var blobs = new FolderBlobStore(Path.Combine(directory, "blobs"));
        var queues = await SqliteQueueStore.OpenAsync(Path.Combine(directory, "queues.db"), new QueueStoreOptions(), blobs, TimeProvider.System, NullLogger.Instance);
        var cluster = new TestCluster(directory, machine, dataPlane, blobs, queues);
        await cluster.OpenAsync(config, faults);
        await cluster.Runtime.StartAsync(CancellationToken.None);
        await cluster._server.AdoptAsync(TimeSpan.FromSeconds(1), CancellationToken.None);
        if (reconciles)
        {
            cluster._server.StartReconciling();
        }

        await cluster._server.StartListeningAsync(CancellationToken.None);
        cluster.Url = new Uri(cluster._server.Urls.Single());
        cluster.Client = new HttpClient { BaseAddress = cluster.Url };
        cluster.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return cluster;
    }

    private async Task OpenAsync(ClusterConfig config, Faults faults)
    {
        var options = new OperatorOptions
        {
            Cluster = config,
            Version = "1.2.3",
            Token = Token,
            ApiBaseUrl = "http://apis:8889",
            StatePath = Path.Combine(_directory, "state.db"),
        };
        _server = await OperatorServer.OpenAsync(
            options, faults.On<IApiStore>(new SqliteApiStore(options.StatePath, config.Limits.ApiVersions, cluster: null)),
            faults.On<IJobStore>(JobStore.OpenFile(Path.Combine(_directory, "jobs.db"), new JobStoreOptions { History = config.Jobs.History, HistoryAge = config.Jobs.HistoryAge }, TimeProvider.System, NullLogger<JobStore>.Instance)),
            faults.On<IContainerRuntime>(Runtime), faults.On<IDataPlane>(DataPlane),
            faults.On<IQueueStore>(_queues), [new IPEndPoint(IPAddress.Loopback, 0)], faults.On<ILoggerFactory>(NullLoggerFactory.Instance), TimeProvider.System, CancellationToken.None);
    }

    private async Task StopAsync()
    {
        _stopped = true;
        Client.Dispose();
        await _server.DisposeAsync();
        await Runtime.DisposeAsync();
        await _queues.DisposeAsync();
        await _blobs.DisposeAsync();
    }
}
