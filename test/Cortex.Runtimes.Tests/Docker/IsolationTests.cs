using System.Globalization;
using Cortex.Runtimes.Docker;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>What a container may do to the machine and to its neighbours.</summary>
public sealed class IsolationTests : IAsyncDisposable
{
    // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, SETPCAP 8, NET_BIND_SERVICE 10.
    private const ulong OrdinaryRights = 0b101_1111_1011;
    private const ulong NetRaw = 1ul << 13;

    private readonly DockerCluster _cluster = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Container_ByDefault_HasTheRightsThatOrdinaryImagesNeedAndNoOthers()
    {
        var runtime = await StartAsync(DockerPods.Shell("one", DockerPods.Idle));

        var status = (await RunAsync(runtime, "cat /proc/self/status")).Split('\n');
        Assert.Equal(OrdinaryRights, Rights(status, "CapBnd"));
        Assert.Equal(OrdinaryRights, Rights(status, "CapEff"));
        Assert.Equal("1", Value(status, "NoNewPrivs"));

        // Taking over a neighbour's address begins with such a socket.
        Assert.Contains("not permitted", await RunAsync(runtime, "busybox arping -c 1 -w 1 -I eth0 192.0.2.1 2>&1 || true"), StringComparison.Ordinal);
        Assert.Contains("not permitted", await RunAsync(runtime, "busybox ip addr add 192.0.2.9/32 dev eth0 2>&1 || true"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Container_RightsInTheConfiguration_AreAdded()
    {
        var runtime = await StartAsync(DockerPods.Shell("one", DockerPods.Idle), o => (o.AddedCapabilities, o.NewPrivileges, o.PidsLimit) = (["NET_RAW"], true, 0));

        var status = (await RunAsync(runtime, "cat /proc/self/status")).Split('\n');
        Assert.Equal(OrdinaryRights | NetRaw, Rights(status, "CapEff"));
        Assert.Equal("0", Value(status, "NoNewPrivs"));
        Assert.Null((await UserAsync()).PidsLimit);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Container_Neighbour_IsReachedOnlyIfTheConfigurationSaysSo(bool reach)
    {
        var runtime = await StartAsync(DockerPods.Shell("one", DockerPods.Idle), o => o.ReachContainers = reach);
        await runtime.CreateAsync(DockerPods.Web("other"), Cancel);
        var other = await runtime.UntilAsync("other", PodState.Ready);

        var answer = await RunAsync(runtime, $"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {other.Address!.Value.Host} 8080 2>&1 || true");

        Assert.True(reach == answer.Contains("hello from busybox", StringComparison.Ordinal), answer);
    }

    [Theory]
    [InlineData("169.254.169.254", 80, false)]
    [InlineData("169.254.170.2", 80, false)]
    [InlineData("100.100.100.200", 80, false)]
    [InlineData("168.63.129.16", 32526, false)]
    [InlineData("169.254.169.254", 53, true)]
    [InlineData("192.0.2.1", 80, true)]
    public async Task Container_MetadataAddress_IsRefusedByTheKernel(string address, int port, bool tries)
    {
        var runtime = await StartAsync(DockerPods.Shell("one", DockerPods.Idle));

        var answer = await ConnectAsync(runtime, address, port);

        Assert.Equal(tries, !answer.Contains("Permission denied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Network_IsMadeWithoutIPv6_SoThatContainersHaveNone()
    {
        var runtime = await StartAsync(DockerPods.Shell("one", DockerPods.Idle));

        Assert.Equal("", await RunAsync(runtime, "cat /proc/net/if_inet6 2>/dev/null || true"));
    }

    [Fact]
    public async Task Container_MetadataAllowed_IsNotRefused()
    {
        var runtime = await StartAsync(DockerPods.Shell("one", DockerPods.Idle), o => o.ReachMetadata = true);

        Assert.DoesNotContain("Permission denied", await ConnectAsync(runtime, "169.254.169.254", 80), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Container_PlainProgram_EndsOnSigtermAtOnce()
    {
        var runtime = await StartAsync(DockerPods.Shell("one", "") with { Command = ["/bin/sleep", "100000"] });

        await runtime.DeleteAsync("pod", TimeSpan.FromMinutes(5), Cancel).WaitAsync(TimeSpan.FromMinutes(1), Cancel);

        Assert.Empty(await _cluster.ContainersAsync());
    }

    [Fact]
    public async Task Container_WithoutInit_IsProcessOne()
    {
        var runtime = await StartAsync(DockerPods.Shell("one", DockerPods.Idle), o => o.UseInit = false);

        Assert.StartsWith("sh", await RunAsync(runtime, "cat /proc/1/comm"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 3", 3)]
    [InlineData("kill -9 $$$$", 137)]
    [InlineData("kill -15 $$$$", 143)]
    public async Task Container_EndsUnderInit_KeepsItsExitCode(string script, int code)
    {
        var runtime = await _cluster.OpenAsync();
        await runtime.CreateAsync(DockerPods.Pod("pod", DockerPods.Shell("one", script)) with { Restart = RestartPolicy.Never }, Cancel);

        var ended = await runtime.UntilAsync("pod", pod => pod.Containers[0].ExitCode is not null, "it has ended");

        Assert.Equal(code, ended.Containers[0].ExitCode);
    }

    [Fact]
    public async Task Container_ForkBomb_IsHeldToItsLimitAndHarmsNobody()
    {
        var bomb = DockerPods.Shell("one", "i=0; while [ $i -lt 2000 ]; do sleep 60 & i=$((i+1)); done; wait");
        var runtime = await StartAsync(bomb, o => o.PidsLimit = 50);
        await runtime.CreateAsync(DockerPods.Web("other"), Cancel);

        await runtime.UntilAsync("other", PodState.Ready);

        Assert.Equal(50, (await UserAsync()).PidsLimit);
        await Eventually.TrueAsync(
            async () => (await runtime.LogsAsync("pod")).Any(line => line.Text.Contains("fork", StringComparison.Ordinal)), "a fork was refused");
    }

    [Fact]
    public async Task Container_MoreMemoryThanItAskedFor_Lives()
    {
        var runtime = await _cluster.OpenAsync();
        var hungry = DockerPods.Shell("one", "head -c 60000000 /dev/zero | busybox tail -c 60000000 | busybox wc -c") with { MemoryBytes = 20 << 20 };
        await runtime.CreateAsync(DockerPods.Pod("pod", hungry) with { Restart = RestartPolicy.Never }, Cancel);

        await runtime.UntilAsync("pod", PodState.Succeeded);

        var host = await UserAsync();
        Assert.InRange(host.Memory, 1L << 29, long.MaxValue);
        Assert.InRange(host.OomScoreAdj, 2, 999);
    }

    [Theory]
    [InlineData(40 << 20, null)]
    [InlineData(0, 2.0)]
    public async Task Container_OverItsLimit_IsKilledAndSaysWhatToRaise(long limit, double? factor)
    {
        var runtime = await _cluster.OpenAsync(o => o.MemoryLimitFactor = factor);
        var hungry = DockerPods.Shell("one", "head -c 90000000 /dev/zero | busybox tail -c 90000000 > /dev/null; exit $?") with { MemoryBytes = 20 << 20, MemoryLimitBytes = limit };
        await runtime.CreateAsync(DockerPods.Pod("pod", hungry) with { Restart = RestartPolicy.Never }, Cancel);

        var killed = await runtime.UntilAsync("pod", PodState.KilledOOM);

        Assert.Contains("limit of 40 Mi", killed.Reason, StringComparison.Ordinal);
        Assert.Contains("compute.mem_limit", killed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Container_WithoutMemory_IsBoundedByWhatTheMachineCanSpare()
    {
        await StartAsync(DockerPods.Shell("one", DockerPods.Idle) with { MemoryBytes = 0 });

        var info = await _cluster.Engine.InfoAsync(Cancel);
        var host = await UserAsync();
        Assert.Equal((info.MemTotal - (512L << 20), 1000), (host.Memory, host.OomScoreAdj));
        Assert.Equal(host.Memory, host.MemorySwap);
    }

    [Fact]
    public async Task Replica_ListensOnLoopbackOnly_SaysWhatToChange()
    {
        var runtime = await _cluster.OpenAsync(o => o.AddressMode = AddressMode.Bridge);
        var web = DockerPods.Shell("web", $"{DockerPods.EndsWhenTold}httpd -f -p 127.0.0.1:8080 -h /www & wait");
        await runtime.CreateAsync(DockerPods.Pod("pod", web) with { Port = 8080, DefaultProbePort = 8080 }, Cancel);

        var pod = await runtime.UntilAsync("pod", p => p.Reason.Contains("127.0.0.1 only", StringComparison.Ordinal), "it says so");

        Assert.Equal(PodState.NotReady, pod.State);
        Assert.Contains("0.0.0.0", pod.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0100007F:1F90 00000000:0000 0A", true)]
    [InlineData("00000000:1F90 00000000:0000 0A", false)]
    [InlineData("0100007F:1F90 0100007F:A000 01", false)]
    [InlineData("0100007F:1F91 00000000:0000 0A", false)]
    [InlineData("00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A", true)]
    [InlineData("00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A", false)]
    public void IsLoopbackOnly_Tables_AreRead(string line, bool loopback) =>
        Assert.Equal(loopback, ListeningSockets.IsLoopbackOnly(["  sl  local_address rem_address   st", $"   0: {line} 00000000:00000000"], 8080));

    [Theory]
    [InlineData("/init", true)]
    [InlineData("/usr/bin/tini", true)]
    [InlineData("python3", false)]
    public void BringsOwn_Programs_AreKnownByTheirName(string program, bool own) => Assert.Equal(own, ContainerInit.BringsOwn([program, "-x"]));

    [Theory]
    [InlineData("N/A", false)]
    [InlineData("", true)]
    [InlineData("de40ad0", true)]
    public void Learn_EngineWithoutInit_StartsContainersWithoutOne(string commit, bool uses)
    {
        using var machine = new DockerMachine(_cluster.Options(), TimeProvider.System, new DiagnosticLogger());

        machine.Learn(new EngineInfo { InitCommit = new EngineCommit(commit) });

        Assert.Equal(uses, machine.UsesInit);
    }

    private async Task<DockerRuntime> StartAsync(PodContainer container, Action<DockerRuntimeOptions>? change = null)
    {
        var runtime = await _cluster.OpenAsync(change);
        await runtime.CreateAsync(DockerPods.Pod("pod", container), Cancel);
        await runtime.UntilAsync("pod", PodState.Ready);
        return runtime;
    }

    private async Task<HostConfig> UserAsync() => (await _cluster.InspectAsync(_cluster.User("pod", "one"))).HostConfig!;

    private static Task<string> ConnectAsync(DockerRuntime runtime, string address, int port) =>
        RunAsync(runtime, $"nc -w 1 {address} {port} < /dev/null 2>&1 || true");

    private static async Task<string> RunAsync(DockerRuntime runtime, string script) =>
        (await runtime.ExecAsync("pod", "one", ["sh", "-c", script], TimeSpan.FromSeconds(30), Cancel)).Output;

    private static string Value(string[] status, string name) =>
        status.Single(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split(':')[1].Trim();

    private static ulong Rights(string[] status, string name) => ulong.Parse(Value(status, name), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
