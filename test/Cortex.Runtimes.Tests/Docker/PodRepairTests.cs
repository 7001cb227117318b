using Cortex.Core.Specs;
using Cortex.Runtimes.Docker;
using Cortex.Runtimes.Docker.Engine;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>What is broken by hand, by a crash of the server or by one of Docker comes right again.</summary>
public sealed class PodRepairTests : IAsyncLifetime
{
    private readonly DockerCluster _cluster = new();
    private DockerRuntime _runtime = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _runtime = await _cluster.OpenAsync();
        await _cluster.Engine.ConnectAsync(Cancel);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Supervision_ContainerIsRemovedByHand_MakesItAgain()
    {
        await _runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);

        await _cluster.Engine.RemoveContainerAsync(_cluster.User("web", "web"), Cancel);

        await _runtime.UntilAsync("web", p => p.State is PodState.Ready && p.Containers[0].Restarts == 1, "is ready again");
    }

    [Fact]
    public async Task Supervision_ContainerIsKilledByHand_StartsItAgain()
    {
        await _runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);

        await _cluster.Engine.KillContainerAsync(_cluster.User("web", "web"), Cancel);

        var pod = await _runtime.UntilAsync("web", p => p.State is PodState.Ready && p.Containers[0].Restarts == 1, "is ready again");
        Assert.Equal(137, pod.Containers[0].ExitCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Supervision_ContainerCannotBeStartedAgain_SetsItAsideAndMakesANewOne(bool network)
    {
        await using var relay = new SocketRelay(new DockerRuntimeOptions().EffectiveSocketPath);
        var runtime = await _cluster.OpenAsync(o => o.SocketPath = relay.Path);
        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await runtime.UntilAsync("web", PodState.Ready);
        var name = network ? _cluster.Infra("web") : _cluster.User("web", "web");
        var broken = (await _cluster.InspectAsync(name)).Id;

        relay.Refused = $"/containers/{broken}/start";
        await _cluster.Engine.KillContainerAsync(broken, Cancel);

        await Eventually.TrueAsync(
            async () => await _cluster.Engine.InspectContainerAsync(name, Cancel) is { State.Running: true } seen && seen.Id != broken, "a new container has its name");
        await runtime.UntilAsync("web", PodState.Ready);
        await Eventually.TrueAsync(
            async () => (await _cluster.ContainersAsync()) is { Length: 2 } all && all.All(c => c.State is "running" && c.Id != broken), "the broken one is removed");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Supervision_NetworkContainerIsLost_BuildsThePodAgain(bool removed)
    {
        await _runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await _runtime.ExecAsync("web", "web", ["touch", "/mnt/kept"], TimeSpan.FromSeconds(30), Cancel);

        await (removed ? _cluster.Engine.RemoveContainerAsync(_cluster.Infra("web"), Cancel) : _cluster.Engine.KillContainerAsync(_cluster.Infra("web"), Cancel));

        var pod = await _runtime.UntilAsync("web", p => p.State is PodState.Ready && (removed || p.Containers[0].Restarts == 1), "is ready again");
        await Eventually.TrueAsync(
            async () => (await _cluster.ContainersAsync()).Count(c => c.State == "running") == 2, "both containers run");
        pod = await _runtime.UntilAsync("web", PodState.Ready);
        using var http = new HttpClient();
        Assert.Equal("hello from busybox\n", await http.GetStringAsync($"http://{pod.Address!.Value.Host}:{pod.Address.Value.Port}/index.html", Cancel));
        Assert.Equal(0, (await _runtime.ExecAsync("web", "web", ["ls", "/mnt/kept"], TimeSpan.FromSeconds(30), Cancel)).ExitCode);
    }

    [Fact]
    public async Task StartAsync_PodWasHalfMade_FinishesIt()
    {
        await _runtime.CreateAsync(DockerPods.Web("web") with { Files = new Dictionary<string, string> { ["/cortex/a"] = "text" } }, Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await _runtime.DisposeAsync();
        // As if the process had died right after it had written the pod's record.
        await _cluster.Engine.RemoveContainerAsync(_cluster.User("web", "web"), Cancel);
        await _cluster.Engine.RemoveContainerAsync(_cluster.Infra("web"), Cancel);
        await _cluster.Engine.RemoveVolumeAsync(DockerLabels.Volume(_cluster.Name, "web", "cortex"), Cancel);

        var next = await _cluster.OpenAsync();

        await next.UntilAsync("web", PodState.Ready);
    }

    [Fact]
    public async Task StartAsync_ContainersDiedWhileNobodyLooked_StartsThemAgain()
    {
        await _runtime.CreateAsync(DockerPods.Web("user-died"), Cancel);
        await _runtime.CreateAsync(DockerPods.Web("all-died"), Cancel);
        await _runtime.UntilAsync("user-died", PodState.Ready);
        await _runtime.UntilAsync("all-died", PodState.Ready);
        await _runtime.DisposeAsync();
        foreach (var name in new[] { _cluster.User("user-died", "web"), _cluster.User("all-died", "web"), _cluster.Infra("all-died") })
        {
            await _cluster.Engine.KillContainerAsync(name, Cancel);
        }

        var next = await _cluster.OpenAsync();

        await next.UntilAsync("user-died", PodState.Ready);
        await next.UntilAsync("all-died", PodState.Ready);
    }

    [Fact]
    public async Task StartAsync_DeletionWasUnderWay_FinishesIt()
    {
        await _runtime.CreateAsync(DockerPods.Pod("stubborn", DockerPods.Shell("one", "trap '' TERM; while true; do sleep 1; done")), Cancel);
        await _runtime.UntilAsync("stubborn", PodState.Ready);
        _ = _runtime.DeleteAsync("stubborn", TimeSpan.FromSeconds(3), Cancel);
        await Eventually.TrueAsync(
            async () => (await _cluster.ContainersAsync()).Any(c => c.Names.Any(n => DockerLabels.DeletionDeadline(n) is not null)), "the deletion is recorded");
        await _runtime.DisposeAsync();

        var next = await _cluster.OpenAsync();

        Assert.Equal(PodState.Terminating, Assert.Single(next.List()).State);
        await Eventually.TrueAsync(() => Task.FromResult(next.List().Count == 0), "the deletion is finished");
        Assert.Empty(await _cluster.ContainersAsync());
    }

    [Fact]
    public async Task StartAsync_DeletionWithALongGraceWasUnderWay_EndsWithItsContainers()
    {
        // SIGTERM has no effect before the process that sent it first is gone.
        const string Script = "trap '[ -e /mnt/end ] && exit 0' TERM; while true; do sleep 0.1; done";
        await _runtime.CreateAsync(DockerPods.Pod("patient", DockerPods.Shell("one", Script)), Cancel);
        await _runtime.UntilAsync("patient", PodState.Ready);
        _ = _runtime.DeleteAsync("patient", TimeSpan.FromHours(1), Cancel);
        await Eventually.TrueAsync(
            async () => (await _cluster.ContainersAsync()).Any(c => c.Names.Any(n => DockerLabels.DeletionDeadline(n) is not null)), "the deletion is recorded");
        await _runtime.DisposeAsync();
        await _cluster.Engine.ExecAsync(_cluster.User("patient", "one"), ["touch", "/mnt/end"], Cancel);

        var next = await _cluster.OpenAsync();

        await Eventually.TrueAsync(() => Task.FromResult(next.List().Count == 0), "the deletion is finished");
        Assert.Empty(await _cluster.ContainersAsync());
    }

    [Fact]
    public async Task Supervision_PodIsTakenOffItsNetwork_BuildsItAgain()
    {
        await _runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        var infra = (await _cluster.InspectAsync(_cluster.Infra("web"))).Id;

        await _cluster.DisconnectAsync("web");

        await Eventually.TrueAsync(async () => (await _cluster.ContainersAsync()).Any(c => c.Names.Contains("/" + _cluster.Infra("web")) && c.Id != infra), "the network container is a new one");
        var pod = await _runtime.UntilAsync("web", PodState.Ready);
        using var http = new HttpClient();
        Assert.Equal("hello from busybox\n", await http.GetStringAsync($"http://{pod.Address!.Value.Host}:{pod.Address.Value.Port}/index.html", Cancel));
    }

    [Fact]
    public async Task Supervision_PodWithoutProbesLeavesItsNetwork_HasNoAddressFromThenOn()
    {
        // Nobody ever dials it but its clients.
        await _runtime.CreateAsync(DockerPods.Web("web") with { DefaultProbePort = null }, Cancel);
        var before = await _runtime.UntilAsync("web", p => p is { State: PodState.Ready, Address: not null }, "has an address");

        await _cluster.DisconnectAsync("web");

        await _runtime.UntilAsync("web", p => p.Address is null, "has none");
        var after = await _runtime.UntilAsync("web", p => p is { State: PodState.Ready, Address: not null }, "has one again");
        Assert.Equal(before.Address!.Value.Port, after.Address!.Value.Port);
    }

    [Fact]
    public async Task Supervision_NetworkIsRemovedByHand_IsMadeAgainWithItsAddresses()
    {
        await _runtime.CreateAsync(DockerPods.Web("one"), Cancel);
        await _runtime.CreateAsync(DockerPods.Web("two"), Cancel);
        await _runtime.UntilAsync("one", PodState.Ready);
        await _runtime.UntilAsync("two", PodState.Ready);
        var gateway = _runtime.BridgeGateway;
        var network = Assert.Single(await _cluster.Engine.FindNetworksAsync(DockerLabels.Network(_cluster.Name), Cancel));

        await _cluster.RemoveNetworkAsync(["one", "two"]);

        await Eventually.TrueAsync(
            async () => (await _cluster.Engine.FindNetworksAsync(DockerLabels.Network(_cluster.Name), Cancel)) is [var made] && made.Id != network.Id, "there is a new network, and one only");
        foreach (var id in new[] { "one", "two" })
        {
            var pod = await _runtime.UntilAsync(id, p => p is { State: PodState.Ready, Address: not null }, "is ready again");
            using var http = new HttpClient();
            Assert.Equal("hello from busybox\n", await http.GetStringAsync($"http://{pod.Address!.Value.Host}:8080/index.html", Cancel));
        }

        Assert.Equal(gateway, _runtime.BridgeGateway);
    }

    [Fact]
    public async Task StartAsync_NetworkOfAnEarlierVersion_IsMadeAnewOnceNothingRunsOnIt()
    {
        var other = new DockerCluster();
        await using var _ = other;
        var name = DockerLabels.Network(other.Name);
        await other.Engine.ConnectAsync(Cancel);
        await other.Engine.CreateNetworkAsync(
            new CreateNetwork(name, "bridge", true, new Dictionary<string, string> { [DockerLabels.Cluster] = other.Name }) { Options = new Dictionary<string, string>() }, Cancel);
        Assert.Null(Option(await other.Engine.FindNetworksAsync(name, Cancel)));

        var first = await other.OpenAsync();
        Assert.Equal("false", Option(await other.Engine.FindNetworksAsync(name, Cancel)));
        await first.CreateAsync(DockerPods.Web("web"), Cancel);
        await first.UntilAsync("web", PodState.Ready);
        await first.DisposeAsync();

        var second = await other.OpenAsync(o => o.ReachContainers = true);

        Assert.Equal("false", Option(await other.Engine.FindNetworksAsync(name, Cancel)));
        await second.UntilAsync("web", PodState.Ready);

        static string? Option(IReadOnlyList<NetworkResource> networks) => Assert.Single(networks).Options?.GetValueOrDefault("com.docker.network.bridge.enable_icc");
    }

    [Fact]
    public async Task StartAsync_NetworkContainerWasRemovedWhileNobodyLooked_BuildsThePodAgain()
    {
        await _runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await _runtime.CreateAsync(DockerPods.Pod("job", DockerPods.Shell("one", "echo done; exit 3")) with { Restart = RestartPolicy.Never }, Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await _runtime.UntilAsync("job", PodState.Failed);
        await _runtime.DisposeAsync();
        await _cluster.Engine.RemoveContainerAsync(_cluster.Infra("web"), Cancel);
        await _cluster.Engine.RemoveContainerAsync(_cluster.Infra("job"), Cancel);

        var next = await _cluster.OpenAsync();

        var pod = await next.UntilAsync("web", PodState.Ready);
        using var http = new HttpClient();
        Assert.Equal("hello from busybox\n", await http.GetStringAsync($"http://{pod.Address!.Value.Host}:{pod.Address.Value.Port}/index.html", Cancel));
        // What is left of a job is not run again.
        Assert.Equal(3, (await next.UntilAsync("job", PodState.Failed)).Containers[0].ExitCode);
        Assert.Equal("done", Assert.Single(await next.LogsAsync("job")).Text);
    }

    [Fact]
    public async Task StartAsync_ContainersAndVolumesWithoutARecord_AreRemoved()
    {
        var labels = new Dictionary<string, string> { [DockerLabels.Cluster] = _cluster.Name, [DockerLabels.Pod] = "lost" };
        await InfraImage.EnsureAsync(_cluster.Engine, (await _cluster.Engine.ConnectAsync(Cancel)).Arch, Cancel);
        var infra = await _cluster.Engine.CreateContainerAsync(_cluster.Infra("lost"), new()
        {
            Image = InfraImage.Name,
            Labels = new Dictionary<string, string> { [DockerLabels.Cluster] = _cluster.Name },
            HostConfig = new() { NetworkMode = DockerLabels.Network(_cluster.Name) },
        }, Cancel);
        await _cluster.Engine.CreateVolumeAsync(DockerLabels.Volume(_cluster.Name, "lost", "cortex"), labels, Cancel);
        await _cluster.Engine.CreateContainerAsync(_cluster.User("lost", "one"), new()
        {
            Image = TestImage.Name,
            Labels = new Dictionary<string, string>(labels) { [DockerLabels.Container] = "one" },
            HostConfig = new() { NetworkMode = ContainerPlan.JoinedMode(infra) },
        }, Cancel);

        var next = await _cluster.OpenAsync();

        Assert.Empty(next.List());
        Assert.Empty(await _cluster.ContainersAsync());
        Assert.Empty(await _cluster.Engine.ListVolumesAsync($"{DockerLabels.Cluster}={_cluster.Name}", Cancel));
    }

    [Fact]
    public async Task StartAsync_UnreadableDefinition_ShowsThePodAsUnknownAndDeletesIt()
    {
        await _cluster.Engine.CreateVolumeAsync(DockerLabels.Record(_cluster.Name, "odd"), new Dictionary<string, string>
        {
            [DockerLabels.Cluster] = _cluster.Name, [DockerLabels.Pod] = "odd", [DockerLabels.Definition] = "{\"Id\": 7}",
        }, Cancel);

        var next = await _cluster.OpenAsync();

        Assert.Equal(PodState.Unknown, (await next.UntilAsync("odd", PodState.Unknown)).State);
        await next.DeleteAsync("odd", TimeSpan.FromSeconds(5), Cancel);
        Assert.Empty(await _cluster.Engine.ListVolumesAsync($"{DockerLabels.Cluster}={_cluster.Name}", Cancel));
    }

    [Fact]
    public async Task StartAsync_TwoProcessesAtOnce_MakeOnePod()
    {
        var other = _cluster.Make();
        var third = _cluster.Make();
        await Task.WhenAll(other.StartAsync(Cancel), third.StartAsync(Cancel));

        await Task.WhenAll(other.CreateAsync(DockerPods.Web("web"), Cancel), third.CreateAsync(DockerPods.Web("web"), Cancel));

        await Task.WhenAll(other.UntilAsync("web", PodState.Ready), third.UntilAsync("web", PodState.Ready));
        Assert.Equal(2, (await _cluster.ContainersAsync()).Length);
        Assert.Single(await _cluster.Engine.FindNetworksAsync(DockerLabels.Network(_cluster.Name), Cancel));
    }

    [Fact]
    public async Task Supervision_ConnectionToDockerBreaks_SeesAfterwardsWhatWasMissed()
    {
        await using var relay = new SocketRelay(new DockerRuntimeOptions().EffectiveSocketPath);
        var runtime = await _cluster.OpenAsync(o => o.SocketPath = relay.Path);
        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await runtime.UntilAsync("web", PodState.Ready);

        relay.Cut();
        await Assert.ThrowsAsync<RuntimeUnavailableException>(() => runtime.CreateAsync(DockerPods.Web("second"), Cancel));
        await _cluster.Engine.KillContainerAsync(_cluster.User("web", "web"), Cancel);
        Assert.Equal(PodState.Ready, runtime.Find("web")!.State);
        relay.Mend();

        await runtime.UntilAsync("web", p => p.State is PodState.Ready && p.Containers[0].Restarts >= 1, "was started again");
    }

    [Fact]
    public async Task Supervision_ContainerIsPausedByHand_IsNotReadyUntilItGoesOn()
    {
        await _runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);

        await _cluster.PauseAsync("web", "web", pause: true);

        var pod = await _runtime.UntilAsync("web", PodState.NotReady);
        Assert.True(pod.Containers[0] is { Running: true, Ready: false, Restarts: 0 });
        Assert.Contains($"docker unpause {_cluster.User("web", "web")}", pod.Reason, StringComparison.Ordinal);

        // Also for a process that did not see it happen.
        await _runtime.DisposeAsync();
        var next = await _cluster.OpenAsync();
        await next.UntilAsync("web", PodState.NotReady);
        await _cluster.PauseAsync("web", "web", pause: false);
        await next.UntilAsync("web", p => p is { State: PodState.Ready, Reason: "" }, "is ready again");

        await _cluster.PauseAsync("web", "web", pause: true);
        await next.UntilAsync("web", PodState.NotReady);
        await next.DeleteAsync("web", TimeSpan.FromSeconds(20), Cancel);
        Assert.Empty(await _cluster.ContainersAsync());
    }

    [Fact]
    public async Task Loops_TheLogThrowsAlways_LiveOnAfterTheEngineWasGone()
    {
        await using var relay = new SocketRelay(new DockerRuntimeOptions().EffectiveSocketPath);
        var faults = new Faults();
        await using var runtime = new DockerRuntime(_cluster.Options(o => (o.SocketPath, o.SpareNetworks) = (relay.Path, 1)), logger: faults.On<ILogger<DockerRuntime>>(NullLogger<DockerRuntime>.Instance));
        await _runtime.DisposeAsync();
        await runtime.StartAsync(Cancel);
        faults.Arm(1);
        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await runtime.UntilAsync("web", PodState.Ready);
        var spare = Assert.Single(await _cluster.UntilSparesAsync(1));

        relay.Cut();
        await _cluster.Engine.KillContainerAsync(_cluster.User("web", "web"), Cancel);
        await _cluster.Engine.RemoveContainerAsync(spare.Name, Cancel);
        await Eventually.TrueAsync(() => Task.FromResult(runtime.Trouble is not null), "it is noticed");
        relay.Mend();

        await runtime.UntilAsync("web", p => p.State is PodState.Ready && p.Containers[0].Restarts == 1, "is ready again");
        await runtime.CreateAsync(DockerPods.Web("late"), Cancel);
        await runtime.UntilAsync("late", PodState.Ready);
        await _cluster.UntilSparesAsync(1);
        await _cluster.Engine.KillContainerAsync(_cluster.User("web", "web"), Cancel);
        await runtime.UntilAsync("web", p => p.State is PodState.Ready && p.Containers[0].Restarts == 2, "is ready again");
    }

    [Fact]
    public async Task Supervision_LivenessFails_SaysSo()
    {
        var probe = new ProbeSpec { Exec = new ExecSpec(["false"]), PeriodSeconds = 1, FailureThreshold = 1 };
        await _runtime.CreateAsync(DockerPods.Pod("sick", DockerPods.Shell("one", DockerPods.Idle) with { LivenessProbe = probe }), Cancel);

        var pod = await _runtime.UntilAsync("sick", p => p.Reason.Contains("liveness", StringComparison.Ordinal), "names the probe");

        Assert.Contains("container one failed its liveness probe (the command ended with 1", pod.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Supervision_ClockIsSetBack_EndsAFailedContainerInItsGrace()
    {
        var time = new SetClock();
        await using var runtime = new DockerRuntime(_cluster.Options(o => o.StopGrace = TimeSpan.FromSeconds(3)), time, new DiagnosticLogger());
        await _runtime.DisposeAsync();
        await runtime.StartAsync(Cancel);
        var probe = new ProbeSpec { Exec = new ExecSpec(["/bin/sh", "-c", "[ ! -e /mnt/bad ]"]), PeriodSeconds = 1, TimeoutSeconds = 30, FailureThreshold = 1 };
        await runtime.CreateAsync(DockerPods.Pod("deaf", DockerPods.Shell("one", "trap '' TERM; while true; do sleep 0.1; done") with { LivenessProbe = probe }), Cancel);
        await runtime.UntilAsync("deaf", PodState.Ready);

        await _cluster.Engine.ExecAsync(_cluster.User("deaf", "one"), ["touch", "/mnt/bad"], Cancel);
        await runtime.UntilAsync("deaf", p => p.Reason.Contains("liveness", StringComparison.Ordinal), "has failed its probe");
        time.Back = TimeSpan.FromHours(1);

        Assert.Equal(137, (await runtime.UntilAsync("deaf", p => p.Containers[0].ExitCode is not null, "was ended")).Containers[0].ExitCode);
    }

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Back { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - Back;
    }
}
