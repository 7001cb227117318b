using Cortex.Core.Specs;
using Cortex.Runtimes.Docker;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>Hooks, probes and logs.</summary>
public sealed class PodEndTests : IAsyncLifetime
{
    private readonly DockerCluster _cluster = new();
    private DockerRuntime _runtime = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _runtime = await _cluster.OpenAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task DeleteAsync_PreStop_RunsBeforeTheSignal()
    {
        // Each says what it sees; the log of the one that is read outlives the other's hook.
        var exec = DockerPods.Shell("exec", "trap 'echo signal; exit 0' TERM; sleep 100000 & wait") with
        {
            PreStop = new PreStopSpec { Exec = new ExecSpec(["sh", "-c", "echo hook > /proc/1/fd/1"]) },
        };

        // It answers only when it has said so, and is listened to from the start: nothing but our order decides what comes first.
        var http = DockerPods.Shell("http", """
            busybox mkdir -p /hook/cgi-bin
            printf '#!/bin/sh\necho called > /proc/1/fd/1\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\n' > /hook/cgi-bin/bye
            busybox chmod 755 /hook/cgi-bin/bye
            trap 'echo signal; exit 0' TERM
            httpd -p 9000 -h /hook
            sleep 100000 & wait
            """) with
        {
            ReadinessProbe = new ProbeSpec { TcpSocket = new TcpSocketSpec(9000) },
            PreStop = new PreStopSpec { HttpGet = new HttpGetSpec("/cgi-bin/bye", 9000) },
        };
        await _runtime.CreateAsync(DockerPods.Pod("hooks", exec, http), Cancel);
        await _runtime.UntilAsync("hooks", PodState.Ready);
        var following = _runtime.LogsAsync("hooks", new LogQuery { Follow = true });

        await _runtime.DeleteAsync("hooks", TimeSpan.FromSeconds(20), Cancel);

        var lines = await following;
        Assert.Equal(["hook", "signal"], lines.Where(l => l.Container == "exec").Select(l => l.Text));
        Assert.Equal(["called", "signal"], lines.Where(l => l.Container == "http").Select(l => l.Text));
    }

    [Fact]
    public async Task DeleteAsync_HookHangs_IsCutAtTheGrace()
    {
        var container = DockerPods.Shell("one", DockerPods.Idle) with { PreStop = new PreStopSpec { Exec = new ExecSpec(["sleep", "1000"]) } };
        await _runtime.CreateAsync(DockerPods.Pod("hang", container), Cancel);
        await _runtime.UntilAsync("hang", PodState.Ready);

        await _runtime.DeleteAsync("hang", TimeSpan.FromSeconds(1), Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel);

        Assert.Empty(await _cluster.ContainersAsync());
    }

    [Fact]
    public async Task ReadLogsAsync_FollowAcrossARestart_GoesOn()
    {
        await _runtime.CreateAsync(DockerPods.Pod("again", DockerPods.Shell("one", "echo start; sleep 0.3; exit 1")), Cancel);
        var starts = 0;

        await foreach (var line in _runtime.ReadLogsAsync("again", new LogQuery { Follow = true, Tail = 1 }, Cancel))
        {
            Assert.Equal("start", line.Text);
            if (++starts == 3)
            {
                break;
            }
        }

        Assert.Equal(3, starts);
        await _runtime.DeleteAsync("again", TimeSpan.Zero, Cancel);
    }

    [Fact]
    public async Task ReadLogsAsync_LongLinesAndErrors_AreWholeAndTold()
    {
        // 40,000 characters are more than one entry of the engine's log; 1,100,000 are more than we give in one piece.
        var script = "long() { head -c $1 /dev/zero | tr '\\0' x; echo; }; long 40000; long 1100000; echo oops >&2; " + DockerPods.Idle;
        await _runtime.CreateAsync(DockerPods.Pod("long", DockerPods.Shell("one", script)), Cancel);
        await Eventually.TrueAsync(async () => (await _runtime.LogsAsync("long")).Count == 4, "all is written");

        var lines = await _runtime.LogsAsync("long");

        Assert.Equal([40000, LogAssembler.MaxLine, 1100000 - LogAssembler.MaxLine], lines.Where(l => !l.IsError).Select(l => l.Text.Length));
        Assert.All(lines.Where(l => !l.IsError), l => Assert.Equal("", l.Text.Trim('x')));
        Assert.Equal("oops", Assert.Single(lines, l => l.IsError).Text);
    }

    [Fact]
    public async Task ExecAsync_CommandHangs_TimesOut()
    {
        await _runtime.CreateAsync(DockerPods.Pod("slow", DockerPods.Shell("one", DockerPods.Idle)), Cancel);
        await _runtime.UntilAsync("slow", PodState.Ready);

        var result = await _runtime.ExecAsync("slow", "one", ["sleep", "1000"], TimeSpan.FromMilliseconds(300), Cancel);

        Assert.Equal((-1, true), (result.ExitCode, result.TimedOut));
    }

    [Fact]
    public async Task Probes_HttpTcpAndExec_DecideReadiness()
    {
        var http = DockerPods.Shell("http", "sleep 1; " + DockerPods.Serve()) with
        {
            ReadinessProbe = new ProbeSpec { HttpGet = new HttpGetSpec("/index.html", 8080), PeriodSeconds = 1, FailureThreshold = 1 },
        };
        var tcp = DockerPods.Shell("tcp", DockerPods.Serve(9090)) with { ReadinessProbe = new ProbeSpec { TcpSocket = new TcpSocketSpec(9090) } };
        var exec = DockerPods.Shell("exec", DockerPods.Idle) with
        {
            ReadinessProbe = new ProbeSpec { Exec = new ExecSpec(["sh", "-c", "test -f /mnt/ready"]), PeriodSeconds = 1, FailureThreshold = 1, TimeoutSeconds = 20 },
        };
        await _runtime.CreateAsync(DockerPods.Pod("probed", http, tcp, exec) with { Port = 8080 }, Cancel);

        // A command takes its time, so its first result may come after those of the others.
        var pod = await _runtime.UntilAsync(
            "probed", p => p.Containers[0].Ready && p.Containers[1].Ready && p.Reason.Contains("readiness probe of exec", StringComparison.Ordinal), "http and tcp are ready, exec says why not");
        Assert.Equal(PodState.NotReady, pod.State);

        await _runtime.ExecAsync("probed", "http", ["touch", "/mnt/ready"], TimeSpan.FromSeconds(30), Cancel);
        await _runtime.UntilAsync("probed", PodState.Ready);
        await _runtime.ExecAsync("probed", "http", ["sh", "-c", "busybox rm /mnt/ready"], TimeSpan.FromSeconds(30), Cancel);
        await _runtime.UntilAsync("probed", PodState.NotReady);
    }
}
