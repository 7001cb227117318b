using System.Net.Sockets;
using System.Text;
using Cortex.Runtimes.Docker;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>A cluster of its own on the real engine, removed at the end whatever the test did.</summary>
internal sealed class DockerCluster : IAsyncDisposable
{
    private readonly List<DockerRuntime> _opened = [];

    public DockerCluster() => Name = $"test-{Guid.NewGuid():N}"[..16];

    public string Name { get; }

    public DockerEngine Engine { get; } = new(new DockerRuntimeOptions().EffectiveSocketPath, TimeSpan.FromMinutes(2), TimeProvider.System);

    public DockerRuntimeOptions Options(Action<DockerRuntimeOptions>? change = null)
    {
        var options = new DockerRuntimeOptions
        {
            ClusterName = Name,
            StalledAfter = TimeSpan.FromSeconds(2),
            StopGrace = TimeSpan.FromSeconds(5),
            // A test of its own asks for them; the others count containers.
            SpareNetworks = 0,
            SpareDelay = TimeSpan.FromMilliseconds(20),
            DockerConfigPath = "/nonexistent/config.json",
        };
        change?.Invoke(options);
        return options;
    }

    public DockerRuntime Make(Action<DockerRuntimeOptions>? change = null)
    {
        var runtime = new DockerRuntime(Options(change), logger: new DiagnosticLogger());
        _opened.Add(runtime);
        return runtime;
    }

    public async Task<DockerRuntime> OpenAsync(Action<DockerRuntimeOptions>? change = null)
    {
        var runtime = Make(change);
        await runtime.StartAsync(TestContext.Current.CancellationToken);
        return runtime;
    }

    public string Infra(string podId) => DockerLabels.Infra(Name, podId);

    public string User(string podId, string container) => DockerLabels.User(Name, podId, container);

    /// <summary>The network containers that run and that no pod has taken.</summary>
    public async Task<List<ListedContainer>> SparesAsync() =>
        [.. (await ContainersAsync()).Where(c => c.State is "running" && DockerLabels.IsSpare(Name, c.Name))];

    /// <summary>Waits until so many network containers, and no others, are ready to be taken.</summary>
    public async Task<List<ListedContainer>> UntilSparesAsync(int count)
    {
        await Eventually.TrueAsync(
            async () => (await SparesAsync()).Count == count && (await ContainersAsync()).Count(c => DockerLabels.IsSpare(Name, c.Name)) == count, $"{count} spares are ready");
        return await SparesAsync();
    }

    public Task<ListedContainer[]> ContainersAsync() => Engine.ListContainersAsync(TestContext.Current.CancellationToken, $"{DockerLabels.Cluster}={Name}");

    public async Task<InspectedContainer> InspectAsync(string name)
    {
        await Engine.ConnectAsync(TestContext.Current.CancellationToken);
        return await Engine.InspectContainerAsync(name, TestContext.Current.CancellationToken) ?? throw new InvalidOperationException($"no container {name}");
    }

    /// <summary>Takes a pod's network container off the cluster's network, as <c>docker network disconnect</c> does.</summary>
    public Task DisconnectAsync(string podId) => DisconnectContainerAsync(Infra(podId));

    /// <summary>Takes a container off the cluster's network.</summary>
    public Task DisconnectContainerAsync(string name) => PostAsync(
        $"networks/{DockerLabels.Network(Name)}/disconnect", $$"""{"Container": "{{name}}", "Force": true}""");

    /// <summary>Removes the cluster's network while pods are on it, as somebody would by hand.</summary>
    public async Task RemoveNetworkAsync(IEnumerable<string> pods)
    {
        var network = (await Engine.FindNetworksAsync(DockerLabels.Network(Name), TestContext.Current.CancellationToken))[0];
        await Eventually.TrueAsync(
            async () =>
            {
                foreach (var pod in pods)
                {
                    try
                    {
                        await DisconnectAsync(pod);
                    }
                    catch (HttpRequestException)
                    {
                        // It has left already, or has a new network container.
                    }
                }

                try
                {
                    await Engine.RemoveNetworkAsync(network.Id, TestContext.Current.CancellationToken);
                    return true;
                }
                catch (EngineException error) when (error.InUse)
                {
                    return false;
                }
            },
            "the network is removed");
    }

    /// <summary>Halts a user's container, or lets it go on.</summary>
    public Task PauseAsync(string podId, string container, bool pause) => PostAsync($"containers/{User(podId, container)}/{(pause ? "pause" : "unpause")}", "");

    private static async Task PostAsync(string path, string json)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(new DockerRuntimeOptions().EffectiveSocketPath), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri($"http://docker/{path}"), body, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var runtime in _opened)
        {
            await runtime.DisposeAsync();
        }

        await using var last = new DockerRuntime(Options());
        await last.TeardownAsync(TimeSpan.Zero, CancellationToken.None);
        Engine.Dispose();
    }
}
