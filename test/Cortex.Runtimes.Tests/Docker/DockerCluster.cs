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

    public Task<ListedContainer[]> ContainersAsync() => Engine.ListContainersAsync(TestContext.Current.CancellationToken, $"{DockerLabels.Cluster}={Name}");

    public async Task<InspectedContainer> InspectAsync(string name)
    {
        await Engine.ConnectAsync(TestContext.Current.CancellationToken);
        return await Engine.InspectContainerAsync(name, TestContext.Current.CancellationToken) ?? throw new InvalidOperationException($"no container {name}");
    }

    /// <summary>Takes a pod's network container off the cluster's network, as <c>docker network disconnect</c> does.</summary>
    public async Task DisconnectAsync(string podId)
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
        using var body = new StringContent($$"""{"Container": "{{Infra(podId)}}", "Force": true}""", Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(
            new Uri($"http://docker/networks/{DockerLabels.Network(Name)}/disconnect"), body, TestContext.Current.CancellationToken);
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
