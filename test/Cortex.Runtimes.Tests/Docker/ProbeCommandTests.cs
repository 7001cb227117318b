using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Runtimes.Docker;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>Probes that are commands: those that hang are one failure and are ended; the engine's own time is not theirs.</summary>
public sealed class ProbeCommandTests : IAsyncLifetime
{
    private readonly DockerCluster _cluster = new();
    private DockerRuntime _runtime = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _runtime = await _cluster.OpenAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Readiness_CommandHangsOnce_IsReadyAtTheNextCheckAndTheCommandIsGone()
    {
        var probe = Hangs("1000.0571", "[ -e /mnt/seen ] || { touch /mnt/seen; HANG; }");

        await CreateAsync(container => container with { ReadinessProbe = probe });

        await _runtime.UntilAsync("web", PodState.Ready);
        Assert.Equal(0, Processes.Count("sleep", "1000.0571"));
    }

    [Fact]
    public async Task Readiness_CommandHangsNowAndThen_StaysReady()
    {
        // Every third check hangs.
        var probe = Hangs("1000.0572", "echo x >>/mnt/checks; [ $(( $(stat -c %s /mnt/checks) / 2 % 3 )) -ne 0 ] || HANG");
        await CreateAsync(container => container with { ReadinessProbe = probe });
        await _runtime.UntilAsync("web", PodState.Ready);

        var began = _runtime.Find("web")!.StateSince;
        await Eventually.TrueAsync(async () => await ChecksAsync() >= 6, "two checks have hung");

        Assert.True(_runtime.Find("web") is { State: PodState.Ready } pod && pod.StateSince == began);
        await Eventually.TrueAsync(() => Task.FromResult(Processes.Count("sleep", "1000.0572") <= 1), "those that hung are gone");
    }

    [Fact]
    public async Task Liveness_CommandHangsOnce_IsOneFailureOfThree()
    {
        var probe = Hangs("1000.0573", "echo x >>/mnt/checks; [ $(stat -c %s /mnt/checks) -ne 2 ] || HANG");
        await CreateAsync(container => container with { LivenessProbe = probe });
        await _runtime.UntilAsync("web", PodState.Ready);

        await Eventually.TrueAsync(async () => await ChecksAsync() >= 5, "it is checked again");

        Assert.Equal(0, _runtime.Find("web")!.Containers[0].Restarts);
        Assert.Equal(0, Processes.Count("sleep", "1000.0573"));
    }

    [Fact]
    public async Task Liveness_EveryCommandHangs_RestartsTheContainer()
    {
        await CreateAsync(container => container with { LivenessProbe = Hangs("1000.0574", "HANG") });

        var pod = await _runtime.UntilAsync("web", p => p.Containers[0].Restarts >= 1 || p.Reason.Contains("liveness", StringComparison.Ordinal), "fails its probe");

        Assert.Contains("no answer within 3 s", pod.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Readiness_CommandLeavesAChildThatHoldsItsOutput_PassesByItsExitCode()
    {
        await CreateAsync(container => container with { ReadinessProbe = Hangs("1000.0575", "sleep 1000.0575 & exit 0") });

        await _runtime.UntilAsync("web", PodState.Ready);
    }

    [Fact]
    public async Task Liveness_EngineIsSlowToBeginTheCommand_IsNotTheCommandsTime()
    {
        await using var relay = new SocketRelay(new DockerRuntimeOptions().EffectiveSocketPath);
        await _runtime.DisposeAsync();
        var runtime = await _cluster.OpenAsync(o => o.SocketPath = relay.Path);
        await _cluster.Engine.ConnectAsync(Cancel);
        var probe = new ProbeSpec { Exec = new ExecSpec(["/bin/sh", "-c", "echo x >>/mnt/checks"]), PeriodSeconds = 1, TimeoutSeconds = 3, FailureThreshold = 1 };
        await runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", DockerPods.Idle) with { LivenessProbe = probe }), Cancel);
        await runtime.UntilAsync("web", PodState.Ready);
        await Eventually.TrueAsync(async () => await ChecksAsync() >= 1, "it is checked");

        relay.Stopped = "/start";
        await Task.Delay(TimeSpan.FromSeconds(10), Cancel);   // three times the probe's limit
        var checks = await ChecksAsync();
        relay.LetPass();

        await Eventually.TrueAsync(async () => await ChecksAsync() > checks + 1, "it is checked again");
        Assert.Equal(0, runtime.Find("web")!.Containers[0].Restarts);

        async Task<int> ChecksAsync() =>
            int.TryParse((await _cluster.Engine.ExecAsync(_cluster.User("web", "web"), ["stat", "-c", "%s", "/mnt/checks"], Cancel)).Output, CultureInfo.InvariantCulture, out var bytes) ? bytes / 2 : 0;
    }

    [Fact]
    public async Task KillInsideAsync_MarkedCommand_EndsItAndWhatItHasStarted()
    {
        await CreateAsync(container => container);
        await _runtime.UntilAsync("web", PodState.Ready);
        await _cluster.InspectAsync(_cluster.User("web", "web"));
        var exec = await _cluster.Engine.CreateExecAsync(_cluster.User("web", "web"), ["sh", "-c", "sleep 1000.0576 & sleep 1000.0576"], "CORTEX_PROBE=one", Cancel);
        var run = _cluster.Engine.RunExecAsync(exec, Cancel);
        await Eventually.TrueAsync(() => Task.FromResult(Processes.Count("sleep", "1000.0576") == 2), "both run");

        var killed = await ProbeCommand.KillInsideAsync(_cluster.Engine, _cluster.User("web", "web"), "CORTEX_PROBE=one", Cancel);

        Assert.Equal("", killed.Output);
        Assert.Equal(137, (await run.WaitAsync(Eventually.Limit, Cancel)).ExitCode);
        Assert.Equal(0, Processes.Count("sleep", "1000.0576"));
        Assert.Equal(PodState.Ready, _runtime.Find("web")!.State);
    }

    [Fact]
    public async Task StartAsync_ReplicaWasReady_StaysReadyUntilAFirstCheckFails()
    {
        // Of the second process each check takes a while; of the third it fails.
        var probe = new ProbeSpec
        {
            Exec = new ExecSpec(["/bin/sh", "-c", "[ ! -e /mnt/slow ] || sleep 2; [ ! -e /mnt/bad ]"]), InitialDelaySeconds = 1, PeriodSeconds = 600, TimeoutSeconds = 30, FailureThreshold = 3,
        };
        await CreateAsync(container => container with { ReadinessProbe = probe });
        await _runtime.UntilAsync("web", PodState.Ready);
        await UntilMarkedAsync(true);
        await _cluster.Engine.ExecAsync(_cluster.User("web", "web"), ["touch", "/mnt/slow"], Cancel);
        await _runtime.DisposeAsync();

        var next = await _cluster.OpenAsync();
        Assert.Equal(PodState.Ready, next.Find("web")!.State);
        await _cluster.Engine.ExecAsync(_cluster.User("web", "web"), ["touch", "/mnt/bad"], Cancel);
        await next.DisposeAsync();

        var third = await _cluster.OpenAsync();
        Assert.Equal(PodState.Ready, third.Find("web")!.State);
        await third.UntilAsync("web", PodState.NotReady);
        await UntilMarkedAsync(false);

        async Task UntilMarkedAsync(bool marked) => await Eventually.TrueAsync(
            async () => (await _cluster.Engine.ListVolumesAsync($"{DockerLabels.Cluster}={_cluster.Name}", Cancel)).Any(v => v.Name == DockerLabels.ReadyMark(_cluster.Name, "web")) == marked,
            "the mark says so");
    }

    private static ProbeSpec Hangs(string duration, string script) => new()
    {
        Exec = new ExecSpec(["/bin/sh", "-c", script.Replace("HANG", $"sleep {duration}", StringComparison.Ordinal)]),
        PeriodSeconds = 1,
        TimeoutSeconds = 3,   // on a busy machine a shell alone takes a second
        FailureThreshold = 3,
    };

    private Task CreateAsync(Func<PodContainer, PodContainer> change) =>
        _runtime.CreateAsync(DockerPods.Pod("web", change(DockerPods.Shell("web", DockerPods.Serve()))), Cancel);

    private async Task<int> ChecksAsync() => int.TryParse(
        (await _runtime.ExecAsync("web", "web", ["stat", "-c", "%s", "/mnt/checks"], TimeSpan.FromSeconds(30), Cancel)).Output, CultureInfo.InvariantCulture, out var bytes) ? bytes / 2 : 0;
}
