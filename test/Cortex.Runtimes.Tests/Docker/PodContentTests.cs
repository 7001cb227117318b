using Cortex.Runtimes.Docker;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>What a container finds around it.</summary>
public sealed class PodContentTests : IAsyncLifetime
{
    private readonly DockerCluster _cluster = new();
    private DockerRuntime _runtime = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _runtime = await _cluster.OpenAsync(o => o.HostAliases = ["ingress.istio-system.svc.cluster.local", "operator.default.svc.cluster.local"]);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task CreateAsync_TwoContainers_ShareNetworkDirectoriesAndHosts()
    {
        await _runtime.CreateAsync(DockerPods.Pod(
            "both",
            DockerPods.Shell("web", DockerPods.Serve()),
            DockerPods.Shell("side", DockerPods.Idle)) with { Port = 8080, DefaultProbePort = 8080 }, Cancel);
        await _runtime.UntilAsync("both", PodState.Ready);

        Assert.Equal("hello from busybox\n", await RunAsync("both", "side", "wget -q -O - http://127.0.0.1:8080/index.html"));
        await RunAsync("both", "web", "echo shared > /mnt/note; echo too > /cortex/note");
        Assert.Equal("shared\ntoo\n", await RunAsync("both", "side", "cat /mnt/note /cortex/note"));
        Assert.Equal(["drwxrwxrwx", "drwxrwxrwx"], (await RunAsync("both", "side", "ls -ld /mnt /cortex")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[..10]));
        foreach (var container in new[] { "web", "side" })
        {
            var hosts = await RunAsync("both", container, "cat /etc/hosts");
            Assert.Contains($"{_runtime.BridgeGateway}\tingress.istio-system.svc.cluster.local", hosts, StringComparison.Ordinal);
            Assert.Contains($"{_runtime.BridgeGateway}\toperator.default.svc.cluster.local", hosts, StringComparison.Ordinal);
            Assert.Equal("both\n", await RunAsync("both", container, "hostname"));
        }
    }

    [Fact]
    public async Task CreateAsync_SystemCallFilter_IsLeftOutOfTheNetworkContainerAlone()
    {
        await _runtime.CreateAsync(DockerPods.Pod("filter", DockerPods.Shell("web", DockerPods.Idle)), Cancel);
        await _runtime.UntilAsync("filter", PodState.Ready);

        var infra = (await _cluster.InspectAsync(_cluster.Infra("filter"))).HostConfig!;
        Assert.Equal(["ALL"], infra.CapDrop);
        Assert.Contains("seccomp=unconfined", infra.SecurityOpt!);
        Assert.Contains("no-new-privileges", infra.SecurityOpt!);
        Assert.Equal("Seccomp:\t2\n", await RunAsync("filter", "web", "grep Seccomp: /proc/1/status"));
    }

    [Fact]
    public async Task CreateAsync_Files_AreReadOnlyInEveryContainer()
    {
        var pod = DockerPods.Pod("files", DockerPods.Shell("one", DockerPods.Idle), DockerPods.Shell("two", DockerPods.Idle)) with
        {
            Files = new Dictionary<string, string>
            {
                ["/cortex/client/cli.yaml"] = "default_environment: default\n",
                ["/etc/own/spec.json"] = "{\"ä\": 1}\n",
            },
        };
        await _runtime.CreateAsync(pod, Cancel);
        await _runtime.UntilAsync("files", PodState.Ready);

        foreach (var container in new[] { "one", "two" })
        {
            Assert.Equal("default_environment: default\n", await RunAsync("files", container, "cat /cortex/client/cli.yaml"));
            Assert.Equal("{\"ä\": 1}\n", await RunAsync("files", container, "cat /etc/own/spec.json"));
            Assert.Equal("444\n444\n", await RunAsync("files", container, "stat -c %a /cortex/client/cli.yaml /etc/own/spec.json"));
        }

        // They are there again when a container is made anew.
        await _cluster.Engine.ConnectAsync(Cancel);
        await _cluster.Engine.RemoveContainerAsync(_cluster.User("files", "two"), Cancel);
        await _runtime.UntilAsync("files", p => p.State is PodState.Ready && p.Containers[1].Restarts == 1, "has its container again");
        Assert.Equal("{\"ä\": 1}\n", await RunAsync("files", "two", "cat /etc/own/spec.json; test -f /cortex/client/cli.yaml"));
    }

    [Fact]
    public async Task CreateAsync_EnvAndArgs_AreExpandedInOrder()
    {
        var container = DockerPods.Shell("one", "") with
        {
            Env = [new("PORT", "8080"), new("URL", "http://x:$(PORT)/$(UNKNOWN)/$$(PORT)"), new("CORTEX_VERSION", "1.0.0")],
            Command = ["/bin/sh", "-c", $"echo \"$0 $1 $URL\"; {DockerPods.Idle}"],
            Args = ["$(URL)", "$(NOBODY)"],
        };
        await _runtime.CreateAsync(DockerPods.Pod("env", container), Cancel);
        await _runtime.UntilAsync("env", PodState.Ready);
        await Eventually.TrueAsync(async () => (await _runtime.LogsAsync("env")).Count == 1, "it has written");

        var url = "http://x:8080/$(UNKNOWN)/$(PORT)";
        Assert.Equal($"{url} $(NOBODY) {url}", Assert.Single(await _runtime.LogsAsync("env")).Text);
    }

    [Fact]
    public async Task CreateAsync_ArgsWithoutCommand_KeepTheImagesEntryPoint()
    {
        // The image's entry point is a shell.
        var container = DockerPods.Shell("one", "") with { Command = null, Args = ["-c", "echo from args; " + DockerPods.Idle] };
        await _runtime.CreateAsync(DockerPods.Pod("args", container), Cancel);
        await _runtime.UntilAsync("args", PodState.Ready);
        await Eventually.TrueAsync(async () => (await _runtime.LogsAsync("args")).Count == 1, "it has written");

        Assert.Equal("from args", Assert.Single(await _runtime.LogsAsync("args")).Text);
    }

    [Fact]
    public async Task CreateAsync_Compute_IsWhatTheEngineIsTold()
    {
        var container = DockerPods.Shell("one", DockerPods.Idle) with { CpuMillis = 500, MemoryBytes = 32L << 20, MemoryLimitBytes = 64L << 20, ShmBytes = 8L << 20 };
        await _runtime.CreateAsync(DockerPods.Pod("compute", container), Cancel);
        await _runtime.UntilAsync("compute", PodState.Ready);

        var host = (await _cluster.InspectAsync(_cluster.User("compute", "one"))).HostConfig!;
        Assert.Equal((512, 64L << 20, 64L << 20, 8L << 20), (host.CpuShares, host.Memory, host.MemorySwap, host.ShmSize));
        Assert.Equal((false, true, false), (host.Privileged, host.Init, host.AutoRemove));
        Assert.Equal("json-file", host.LogConfig!.Type);
        Assert.Equal(("10485760", "3"), (host.LogConfig.Config!["max-size"], host.LogConfig.Config["max-file"]));
        Assert.Contains(" 8192 ", await RunAsync("compute", "one", "df -k /dev/shm"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_ProgramIsMissing_NamesIt()
    {
        await _runtime.CreateAsync(DockerPods.Pod("bad", DockerPods.Shell("one", "") with { Command = ["/no/such/program"] }), Cancel);

        var pod = await _runtime.UntilAsync("bad", PodState.Failed);

        Assert.Contains("/no/such/program", pod.Reason, StringComparison.Ordinal);
        Assert.Contains("was not found", pod.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetUsageAsync_BusyContainer_CountsItsProcessor()
    {
        await _runtime.CreateAsync(DockerPods.Pod("busy", DockerPods.Shell("one", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; " + DockerPods.Idle)), Cancel);
        await _runtime.UntilAsync("busy", PodState.Ready);

        await Eventually.TrueAsync(async () => (await _runtime.GetUsageAsync("busy", Cancel))!.CpuSeconds > 0.1, "it has used its processor");
    }

    private async Task<string> RunAsync(string podId, string container, string script)
    {
        var result = await _runtime.ExecAsync(podId, container, ["sh", "-c", script], TimeSpan.FromSeconds(30), Cancel);
        Assert.True(result.ExitCode == 0, $"{script}: {result}");
        return result.Output;
    }
}
