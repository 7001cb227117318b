using System.Globalization;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

/// <summary>A cluster of its own on this machine: own name, ports, configuration and data.</summary>
public sealed class LocalCluster : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-e2e-").FullName;
    private readonly PrivateDocker? _docker;

    public LocalCluster()
    {
    }

    /// <summary>A cluster on another engine than the machine's own.</summary>
    internal LocalCluster(PrivateDocker docker) => _docker = docker;

    /// <summary>More keys of <c>jobs</c> in the configuration, such as <c>history: 2</c>.</summary>
    public string Jobs { get; init; } = "";

    /// <summary>More lines of the configuration.</summary>
    public string More { get; init; } = "";

    public string Name { get; } = "e2e-" + Guid.NewGuid().ToString("N")[..8];

    internal CortexExecutable Cli { get; private set; } = null!;

    public HttpClient Http { get; } = new(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>Where it listens.</summary>
    public string Address => _docker?.Address ?? "127.0.0.1";

    public Uri Apis { get; private set; } = null!;

    public int OperatorPort { get; } = FreePort.Find();

    public int ApiPort { get; } = FreePort.Find();

    public string ConfigFile => Path.Combine(_directory, "cluster.yaml");

    public string DataDirectory => Path.Combine(_directory, "clusters", Name);

    public int ServerProcessId => int.Parse(File.ReadAllText(Path.Combine(DataDirectory, "server.pid")), CultureInfo.InvariantCulture);

    public async ValueTask InitializeAsync()
    {
        await TestImage.EnsureAsync();
        Cli = new CortexExecutable(_directory, _docker?.Enter ?? []);
        Apis = new Uri($"http://{Address}:{ApiPort}");
        await File.WriteAllTextAsync(ConfigFile, $$"""
            cluster_name: {{Name}}
            operator: {host: {{Address}}, port: {{OperatorPort}}}
            apis: {host: {{Address}}, port: {{ApiPort}}}
            limits: {termination_grace: 20s, stalled_after: 5s}
            jobs: {termination_grace: 5s{{(Jobs.Length > 0 ? ", " + Jobs : "")}}}
            {{(_docker is null ? "" : $"docker: {{host: '{_docker.Host}'}}")}}
            callbacks: {allowed_targets: [127.0.0.1]}
            {{More}}

            """);
        await Cli.OkAsync("cluster", "up", ConfigFile);
    }

    public string Write(string yaml)
    {
        var path = Path.Combine(_directory, $"{Guid.NewGuid():N}.yaml");
        File.WriteAllText(path, yaml);
        return path;
    }

    public async Task<string> DeployAsync(string yaml, params string[] flags) => await Cli.OkAsync(["deploy", Write(yaml), "--wait", .. flags]);

    public static string Api(string name, string version = "1", int replicas = 1, int concurrency = 100, string more = "") => $$"""
        - name: {{name}}
          kind: RealtimeAPI
          pod:
            max_concurrency: {{concurrency}}
            containers:
            - name: api
              image: {{TestImage.Name}}
              env: {APP_VERSION: "{{version}}"}
              compute: {cpu: 50m}
              {{more}}
          autoscaling: {min_replicas: {{replicas}}, max_replicas: {{Math.Max(1, replicas)}}, init_replicas: {{replicas}}}

        """;

    public async Task<JsonElement> GetAsync(string verb, string api)
    {
        using var json = JsonDocument.Parse(await Cli.OkAsync("get", api, "-o", "json"));
        return json.RootElement[0].Clone();
    }

    /// <summary>Replicas by state, from the operator.</summary>
    public async Task<JsonElement> DescribeAsync(string api)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{Address}:{OperatorPort}/describe/{api}"));
        request.Headers.Add("Authorization", "Bearer " + (await File.ReadAllTextAsync(Path.Combine(DataDirectory, "token"))).Trim());
        using var response = await Http.SendAsync(request);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement[0].GetProperty("status").Clone();
    }

    public Task StateAsync(string api, string state, int count = 1) => Eventually.TrueAsync(
        async () => (await DescribeAsync(api)).GetProperty("replica_counts").GetProperty(state).GetInt32() >= count, $"{api} has {count} {state}");

    public Task<string> CallAsync(string path) => Http.GetStringAsync(new Uri(Apis, path));

    /// <summary>Ids of all containers of the cluster.</summary>
    public async Task<IReadOnlyList<string>> ContainersAsync(string filter = "") => [.. (await ListAsync(filter)).Select(c => c.Id)];

    /// <summary>Ids of the containers of replicas: not those that are kept for replicas to come.</summary>
    public async Task<IReadOnlyList<string>> ReplicaContainersAsync(string filter = "") =>
        [.. (await ListAsync(filter)).Where(c => !c.Name.StartsWith($"cortex-{Name}.spare-", StringComparison.Ordinal)).Select(c => c.Id)];

    private async Task<IEnumerable<(string Id, string Name)>> ListAsync(string filter)
    {
        string[] host = _docker is null ? [] : ["-H", _docker.Host];
        string[] more = filter.Length > 0 ? ["--filter", filter] : [];
        var lines = await Shell.LinesAsync("docker", [.. host, "ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}", "--filter", $"label=dev.cortex.cluster={Name}", .. more]);
        return lines.Select(line => line.Split(' ')).Select(words => (words[0], words[1]));
    }

    public async ValueTask DisposeAsync()
    {
        await Cli.RunAsync("cluster", "down", "-y");
        Http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
