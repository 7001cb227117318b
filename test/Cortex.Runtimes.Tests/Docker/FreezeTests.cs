using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Runtimes.Docker;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>Frozen pods on the real engine: what stands still, what is not asked, and what somebody else may do to them.</summary>
public sealed class FreezeTests : IAsyncLifetime
{
    private readonly DockerCluster _cluster = new();
    private DockerRuntime _runtime = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _runtime = await _cluster.OpenAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task FreezeAsync_ProcessesOfEveryContainer_StandStill()
    {
        const string Counts = DockerPods.EndsWhenTold + "i=0; while true; do i=$((i+1)); echo $i >/mnt/$0; sleep 0.02; done & wait";
        await _runtime.CreateAsync(DockerPods.Pod("two", Named("one", Counts), Named("other", Counts)), Cancel);
        await _runtime.UntilAsync("two", PodState.Ready);
        await Eventually.TrueAsync(async () => await CountAsync("one") > 3 && await CountAsync("other") > 3, "both count");

        Assert.True(await _runtime.FreezeAsync("two", Cancel));

        var usage = await _runtime.GetUsageAsync("two", Cancel);
        await Task.Delay(TimeSpan.FromMilliseconds(300), Cancel);
        Assert.Equal(usage!.CpuSeconds, (await _runtime.GetUsageAsync("two", Cancel))!.CpuSeconds);
        Assert.All(await Task.WhenAll(InspectAsync("two", "one"), InspectAsync("two", "other")), status => Assert.Equal("paused", status));

        await _runtime.ThawAsync("two", Cancel);
        var thawed = await CountAsync("one");
        await Eventually.TrueAsync(async () => await CountAsync("one") > thawed, "it counts on");

        static PodContainer Named(string name, string script) => DockerPods.Shell(name, script) with { Command = ["/bin/sh", "-c", script, name] };

        async Task<int> CountAsync(string name) => int.TryParse(
            (await _runtime.ExecAsync("two", "one", ["cat", $"/mnt/{name}"], TimeSpan.FromSeconds(30), Cancel)).Output, CultureInfo.InvariantCulture, out var count) ? count : 0;
    }

    [Fact]
    public async Task FreezeAsync_PodWithProbes_IsNotProbedUntilItGoesOn()
    {
        var probe = new ProbeSpec { Exec = new ExecSpec(["/bin/sh", "-c", "echo x >>/mnt/probes"]), PeriodSeconds = 1, TimeoutSeconds = 30, FailureThreshold = 1 };
        await _runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", DockerPods.Serve()) with { ReadinessProbe = probe, LivenessProbe = probe }) with { Port = 8080, DefaultProbePort = 8080 }, Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        Assert.True(await _runtime.FreezeAsync("web", Cancel));

        // With a threshold of one, a single check of a pod that can't answer would end it or make it not ready.
        await Task.Delay(TimeSpan.FromSeconds(3), Cancel);

        Assert.True(_runtime.Find("web") is { State: PodState.Frozen, Containers: [{ Restarts: 0 }] });
        await _runtime.ThawAsync("web", Cancel);
        Assert.Equal(PodState.Ready, _runtime.Find("web")!.State);
        var probes = await ProbesAsync();
        await Eventually.TrueAsync(async () => await ProbesAsync() > probes + 1, "it is probed again");
        Assert.True(_runtime.Find("web") is { State: PodState.Ready, Containers: [{ Restarts: 0 }] });

        async Task<int> ProbesAsync() =>
            (await _runtime.ExecAsync("web", "web", ["cat", "/mnt/probes"], TimeSpan.FromSeconds(30), Cancel)).Output.Length;
    }

    [Fact]
    public async Task FreezeAsync_ProbeRunsACommand_WaitsForItsEnd()
    {
        var probe = new ProbeSpec { Exec = new ExecSpec(["sleep", "1.0737"]), PeriodSeconds = 1, TimeoutSeconds = 30, FailureThreshold = 1 };
        await _runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", DockerPods.Serve()) with { LivenessProbe = probe }), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await Eventually.TrueAsync(() => Task.FromResult(Sleeps()), "the command runs");

        Assert.True(await _runtime.FreezeAsync("web", Cancel));

        // Halted while the engine starts it, it would keep the container from ever going on.
        Assert.False(Sleeps());
        await _runtime.ThawAsync("web", Cancel);
        await Eventually.TrueAsync(() => Task.FromResult(Sleeps()), "the command runs again");
        Assert.True(_runtime.Find("web") is { State: PodState.Ready, Containers: [{ Restarts: 0 }] });

        static bool Sleeps() => Processes.Run("sleep", "1.0737");
    }

    [Fact]
    public async Task FreezeAsync_CancelledWhileAProbesCommandRuns_IsAnOrdinaryPodAtOnce()
    {
        var probe = new ProbeSpec { Exec = new ExecSpec(["sleep", "9.0738"]), PeriodSeconds = 1, TimeoutSeconds = 30, FailureThreshold = 1 };
        await _runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", DockerPods.Serve()) with { LivenessProbe = probe }), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await Eventually.TrueAsync(() => Task.FromResult(Processes.Run("sleep", "9.0738")), "the command runs");
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var freezing = _runtime.FreezeAsync("web", wanted.Token);
        await _runtime.UntilAsync("web", PodState.Frozen);

        await wanted.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => freezing.WaitAsync(TimeSpan.FromSeconds(4), Cancel));

        Assert.True(Processes.Run("sleep", "9.0738"));
        Assert.Equal(PodState.Ready, _runtime.Find("web")!.State);
        Assert.DoesNotContain(await VolumesAsync(), name => name.EndsWith("-frozen", StringComparison.Ordinal));
        Assert.True(await _runtime.FreezeAsync("web", Cancel));
    }

    [Fact]
    public async Task ThawAsync_ProbeFailsAfterwards_IsNotReadyThen()
    {
        var probe = new ProbeSpec { Exec = new ExecSpec(["stat", "/mnt/well"]), PeriodSeconds = 1, TimeoutSeconds = 30, FailureThreshold = 1 };
        await _runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", "touch /mnt/well; " + DockerPods.Serve()) with { ReadinessProbe = probe }), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await _runtime.FreezeAsync("web", Cancel);
        await _runtime.ThawAsync("web", Cancel);

        await _runtime.ExecAsync("web", "web", ["/bin/busybox", "rm", "/mnt/well"], TimeSpan.FromSeconds(30), Cancel);

        await _runtime.UntilAsync("web", PodState.NotReady);
    }

    [Fact]
    public async Task Supervision_FrozenPodGoesOnByHand_IsAnOrdinaryPodAgain()
    {
        await _runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await _runtime.FreezeAsync("web", Cancel);

        await _cluster.PauseAsync("web", "web", pause: false);

        await _runtime.UntilAsync("web", PodState.Ready);
        Assert.DoesNotContain(await VolumesAsync(), name => name.EndsWith("-frozen", StringComparison.Ordinal));
        Assert.True(await _runtime.FreezeAsync("web", Cancel));
    }

    [Fact]
    public async Task Supervision_ContainerOfAFrozenPodIsKilled_AllOfItRunsAgain()
    {
        await _runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", DockerPods.Serve()), DockerPods.Shell("side", DockerPods.Idle)) with { Port = 8080, DefaultProbePort = 8080 }, Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await _runtime.FreezeAsync("web", Cancel);

        await _cluster.Engine.KillContainerAsync(_cluster.User("web", "side"), Cancel);

        var pod = await _runtime.UntilAsync("web", p => p.State is PodState.Ready && p.Containers[1].Restarts == 1, "is ready again");
        Assert.Equal(0, pod.Containers[0].Restarts);
    }

    [Fact]
    public async Task StartAsync_ProcessDiedWhileItFroze_LetsThePodGoOn()
    {
        await _runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", DockerPods.Serve()), DockerPods.Shell("side", DockerPods.Idle)) with { Port = 8080, DefaultProbePort = 8080 }, Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        await _runtime.DisposeAsync();

        // The mark is written and one of two containers stands still.
        await _cluster.Engine.ConnectAsync(Cancel);
        await _cluster.Engine.CreateVolumeAsync(
            DockerLabels.FrozenMark(_cluster.Name, "web"), new Dictionary<string, string> { [DockerLabels.Cluster] = _cluster.Name, [DockerLabels.Pod] = "web" }, Cancel);
        await _cluster.PauseAsync("web", "web", pause: true);
        var next = await _cluster.OpenAsync();

        var pod = await next.UntilAsync("web", PodState.Ready);

        Assert.All(pod.Containers, container => Assert.Equal(0, container.Restarts));
        Assert.Equal("running", await InspectAsync("web", "web"));
        Assert.DoesNotContain(await VolumesAsync(), name => name.EndsWith("-frozen", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ThawAsync_DockerDoesNotAnswer_SaysSoAndCanBeRepeated()
    {
        await using var relay = new SocketRelay(new DockerRuntimeOptions().EffectiveSocketPath);
        var runtime = await _cluster.OpenAsync(o => o.SocketPath = relay.Path);
        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await runtime.UntilAsync("web", PodState.Ready);
        await runtime.FreezeAsync("web", Cancel);

        relay.Cut();
        await Assert.ThrowsAsync<RuntimeUnavailableException>(() => runtime.ThawAsync("web", Cancel));
        Assert.Equal(PodState.Frozen, runtime.Find("web")!.State);
        relay.Mend();

        Assert.True(await runtime.ThawAsync("web", Cancel));
        Assert.Equal(PodState.Ready, runtime.Find("web")!.State);
    }

    [Fact]
    public async Task ThawAsync_DockerAnswersLate_GoesOnWithItsEvent()
    {
        await using var relay = new SocketRelay(new DockerRuntimeOptions().EffectiveSocketPath);
        var runtime = await _cluster.OpenAsync(o => o.SocketPath = relay.Path);
        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await runtime.UntilAsync("web", PodState.Ready);
        await runtime.FreezeAsync("web", Cancel);
        relay.Held = "/unpause";

        Assert.True(await runtime.ThawAsync("web", Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel));

        Assert.Equal(PodState.Ready, runtime.Find("web")!.State);
        Assert.Equal("running", await InspectAsync("web", "web"));
    }

    private async Task<string> InspectAsync(string pod, string container) =>
        (await _cluster.InspectAsync(_cluster.User(pod, container))).State.Status;

    private async Task<IEnumerable<string>> VolumesAsync() =>
        (await _cluster.Engine.ListVolumesAsync($"{DockerLabels.Cluster}={_cluster.Name}", Cancel)).Select(volume => volume.Name);
}
