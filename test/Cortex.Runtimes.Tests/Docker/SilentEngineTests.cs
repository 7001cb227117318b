using System.Diagnostics;
using Cortex.Runtimes.Docker;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>A Docker Engine that takes connections and does not answer, for everything or for one container.</summary>
public sealed class SilentEngineTests : IAsyncLifetime
{
    private readonly DockerCluster _cluster = new();
    private readonly SocketRelay _relay = new(new DockerRuntimeOptions().EffectiveSocketPath);
    private DockerRuntime _runtime = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _runtime = await _cluster.OpenAsync(o =>
        {
            o.SocketPath = _relay.Path;
            o.CallTimeout = TimeSpan.FromSeconds(5);
        });
        await _cluster.Engine.ConnectAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _relay.DisposeAsync();
    }

    [Fact]
    public async Task Trouble_EngineIsSilent_SaysSoWhileAllElseAnswersFromMemory()
    {
        await _runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);
        Assert.Null(_runtime.Trouble);
        var before = await _runtime.GetCapacityAsync(Cancel);

        _relay.Silence();
        await Eventually.TrueAsync(() => Task.FromResult(_runtime.Trouble is not null), "the silence is noticed");

        var began = Stopwatch.GetTimestamp();
        Assert.Contains("Docker Engine has not answered since", _runtime.Trouble!.Message, StringComparison.Ordinal);
        Assert.Equal(before, await _runtime.GetCapacityAsync(Cancel) with { NodeGroups = before.NodeGroups });
        Assert.Equal(PodState.Ready, Assert.Single(_runtime.List()).State);
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(2));

        // What happens meanwhile is seen afterwards, though the stream of events never broke by itself.
        await _cluster.Engine.KillContainerAsync(_cluster.User("web", "web"), Cancel);
        _relay.Speak();
        await _runtime.UntilAsync("web", p => p.State is PodState.Ready && p.Containers[0].Restarts >= 1, "was started again");
        await Eventually.TrueAsync(() => Task.FromResult(_runtime.Trouble is null), "nothing is wrong any more");
    }

    [Fact]
    public async Task Liveness_EngineIsSilent_KillsNothing()
    {
        var probe = new Core.Specs.ProbeSpec { Exec = new Core.Specs.ExecSpec(["true"]), PeriodSeconds = 1, TimeoutSeconds = 1, FailureThreshold = 1 };
        await _runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", DockerPods.Serve()) with { LivenessProbe = probe, ReadinessProbe = probe }), Cancel);
        await _runtime.UntilAsync("web", PodState.Ready);

        _relay.Silence();
        await Eventually.TrueAsync(() => Task.FromResult(_runtime.Trouble is not null), "the silence is noticed");
        await Task.Delay(TimeSpan.FromSeconds(6), Cancel);   // longer than any call may take

        Assert.Equal(PodState.Ready, _runtime.Find("web")!.State);
        _relay.Speak();
        await Eventually.TrueAsync(() => Task.FromResult(_runtime.Trouble is null), "nothing is wrong any more");
        Assert.True(_runtime.Find("web") is { State: PodState.Ready, Containers: [{ Restarts: 0 }] });
    }

    [Fact]
    public async Task TeardownAsync_ContainerCannotBeRemoved_RemovesTheRestAndSaysHow()
    {
        await _runtime.CreateAsync(DockerPods.Web("stuck"), Cancel);
        await _runtime.CreateAsync(DockerPods.Web("well"), Cancel);
        await _runtime.UntilAsync("stuck", PodState.Ready);
        await _runtime.UntilAsync("well", PodState.Ready);
        await _runtime.DisposeAsync();
        var name = _cluster.User("stuck", "web");
        _relay.Stopped = $"/containers/{(await _cluster.InspectAsync(name)).Id}?force";

        var last = _cluster.Make(o =>
        {
            o.SocketPath = _relay.Path;
            o.CallTimeout = TimeSpan.FromSeconds(3);
        });
        var error = await Assert.ThrowsAsync<RuntimeUnavailableException>(() => last.TeardownAsync(TimeSpan.FromSeconds(1), Cancel).WaitAsync(Eventually.Limit, Cancel));

        Assert.Contains($"docker rm -f {name}   # Docker Engine did not answer within 3 s", error.Message, StringComparison.Ordinal);
        Assert.Contains("restart it first", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await _cluster.ContainersAsync(), c => c.Name.Contains("well", StringComparison.Ordinal));
        Assert.Equal(name, Assert.Single(await _cluster.ContainersAsync()).Name);

        _relay.LetPass();
        await last.TeardownAsync(TimeSpan.Zero, Cancel);
        Assert.Empty(await _cluster.ContainersAsync());
    }
}
