using Cortex.Runtimes.Docker;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>Network containers that are kept for pods to come: taken once, made up, and never left behind.</summary>
public sealed class SpareNetworksTests : IAsyncLifetime
{
    private readonly DockerCluster _cluster = new();
    private DockerRuntimeOptions _options = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _cluster.Engine.ConnectAsync(Cancel);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task CreateAsync_SpareIsThere_TakesItAndItIsMadeUp()
    {
        var runtime = await OpenAsync(2, o => o.HostAliases = ["operator.default.svc.cluster.local"]);
        var spares = (await _cluster.UntilSparesAsync(2)).Select(c => c.Id).ToList();

        await runtime.CreateAsync(DockerPods.Pod("web", DockerPods.Shell("web", DockerPods.Serve()), DockerPods.Shell("side", DockerPods.Idle)) with { Port = 8080, DefaultProbePort = 8080 }, Cancel);
        var pod = await runtime.UntilAsync("web", PodState.Ready);

        Assert.Contains((await _cluster.InspectAsync(_cluster.Infra("web"))).Id, spares);
        using var http = new HttpClient();
        Assert.Equal("hello from busybox\n", await http.GetStringAsync($"http://{pod.Address!.Value.Host}:{pod.Address.Value.Port}/index.html", Cancel));
        var said = new List<string>();
        foreach (var container in new[] { "web", "side" })
        {
            said.Add((await runtime.ExecAsync("web", container, ["sh", "-c", "echo $HOSTNAME; hostname; cat /etc/hosts"], TimeSpan.FromSeconds(30), Cancel)).Output);
        }

        Assert.Equal(said[0], said[1]);
        Assert.StartsWith("web\n", said[0], StringComparison.Ordinal);
        Assert.Contains($"{runtime.BridgeGateway}\toperator.default.svc.cluster.local", said[0], StringComparison.Ordinal);
        Assert.Equal(2, (await _cluster.UntilSparesAsync(2)).Count);
        Assert.Equal(20, (await runtime.GetCapacityAsync(Cancel)).CpuMillisReserved);
    }

    [Fact]
    public async Task DeleteAsync_JobsPod_GivesItsNetworkToTheNextAndTheSurplusGoes()
    {
        var runtime = await OpenAsync(1);
        await _cluster.UntilSparesAsync(1);
        var jobs = Enumerable.Range(0, 3).Select(i => DockerPods.Pod($"job-{i}", DockerPods.Shell("job", DockerPods.Idle)) with { Restart = RestartPolicy.Never }).ToList();
        await Task.WhenAll(jobs.Select(job => runtime.CreateAsync(job, Cancel)));
        await Task.WhenAll(jobs.Select(job => runtime.UntilAsync(job.Id, PodState.Ready)));
        await _cluster.UntilSparesAsync(1);
        var networks = (await Task.WhenAll(jobs.Select(job => _cluster.InspectAsync(_cluster.Infra(job.Id))))).Select(c => c.Id).ToList();

        await Task.WhenAll(jobs.Select(job => runtime.DeleteAsync(job.Id, TimeSpan.Zero, Cancel)));
        await Eventually.TrueAsync(async () => networks.All((await _cluster.SparesAsync()).Select(c => c.Id).Contains), "the networks are given back");
        await runtime.CreateAsync(DockerPods.Web("one"), Cancel);
        await runtime.CreateAsync(DockerPods.Web("two"), Cancel);
        var pods = await Task.WhenAll(new[] { "one", "two" }.Select(id => runtime.UntilAsync(id, PodState.Ready)));

        // One of them has the spare that was first in the line.
        var taken = await Task.WhenAll(pods.Select(pod => _cluster.InspectAsync(_cluster.Infra(pod.Id))));
        Assert.Contains(taken, c => networks.Contains(c.Id));
        using var http = new HttpClient();
        foreach (var address in pods.Select(pod => pod.Address!.Value))
        {
            Assert.Equal("hello from busybox\n", await http.GetStringAsync($"http://{address.Host}:{address.Port}/index.html", Cancel));
        }

        await _cluster.UntilSparesAsync(1);
        Assert.Equal(5, (await _cluster.ContainersAsync()).Length);
    }

    [Fact]
    public async Task DeleteAsync_JobWroteToItsHostsFile_NobodyElseGetsThat()
    {
        var runtime = await OpenAsync(1);
        await _cluster.UntilSparesAsync(1);
        var job = DockerPods.Pod("job", DockerPods.Shell("job", $"echo '10.0.0.5 db' >>/etc/hosts; {DockerPods.Idle}")) with { Restart = RestartPolicy.Never };
        await runtime.CreateAsync(job, Cancel);
        await runtime.UntilAsync("job", PodState.Ready);
        await Eventually.TrueAsync(async () => (await runtime.ExecAsync("job", "job", ["cat", "/etc/hosts"], TimeSpan.FromSeconds(30), Cancel)).Output.Contains("db", StringComparison.Ordinal), "it has written");
        var network = (await _cluster.InspectAsync(_cluster.Infra("job"))).Id;

        await runtime.DeleteAsync("job", TimeSpan.Zero, Cancel);

        await Eventually.TrueAsync(async () => !(await _cluster.ContainersAsync()).Any(c => c.Id == network), "its network is removed");
    }

    [Fact]
    public async Task DeleteAsync_ReplicaOrAdoptedJob_TakesItsNetworkAlong()
    {
        var first = await OpenAsync(1);
        await first.CreateAsync(DockerPods.Pod("job", DockerPods.Shell("job", DockerPods.Idle)) with { Restart = RestartPolicy.Never }, Cancel);
        await first.CreateAsync(DockerPods.Web("web"), Cancel);
        await first.UntilAsync("job", PodState.Ready);
        await first.UntilAsync("web", PodState.Ready);
        var networks = new[] { (await _cluster.InspectAsync(_cluster.Infra("job"))).Id, (await _cluster.InspectAsync(_cluster.Infra("web"))).Id };
        await first.DeleteAsync("web", TimeSpan.Zero, Cancel);
        await first.DisposeAsync();

        var next = await OpenAsync(1);
        await next.UntilAsync("job", PodState.Ready);
        await next.DeleteAsync("job", TimeSpan.Zero, Cancel);
        await Eventually.TrueAsync(() => Task.FromResult(next.Find("job") is null && next.Find("web") is null), "they are gone");

        await _cluster.UntilSparesAsync(1);
        Assert.DoesNotContain(await _cluster.ContainersAsync(), c => networks.Contains(c.Id));
    }

    [Fact]
    public async Task CreateAsync_MorePodsThanSpares_GivesEachANetworkOfItsOwn()
    {
        var runtime = await OpenAsync(1);
        await _cluster.UntilSparesAsync(1);
        var ids = Enumerable.Range(0, 4).Select(i => $"pod-{i}").ToList();

        await Task.WhenAll(ids.Select(id => runtime.CreateAsync(DockerPods.Web(id), Cancel)));
        var pods = await Task.WhenAll(ids.Select(id => runtime.UntilAsync(id, PodState.Ready)));

        Assert.Equal(4, pods.Select(p => p.Address).Distinct().Count());
        await _cluster.UntilSparesAsync(1);
        Assert.Equal(9, (await _cluster.ContainersAsync()).Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RunAsync_SpareEnds_IsReplaced(bool removed)
    {
        await OpenAsync(2);
        var before = (await _cluster.UntilSparesAsync(2)).Select(c => c.Id).ToList();

        await (removed ? _cluster.Engine.RemoveContainerAsync(before[0], Cancel) : _cluster.Engine.KillContainerAsync(before[0], Cancel));

        await Eventually.TrueAsync(async () => !(await _cluster.ContainersAsync()).Any(c => c.Id == before[0]), "the dead one is removed");
        Assert.Contains(before[1], (await _cluster.UntilSparesAsync(2)).Select(c => c.Id));
    }

    [Fact]
    public async Task CreateAsync_SpareHasEndedUnnoticed_StartsItAgain()
    {
        await using var relay = new SocketRelay(new DockerRuntimeOptions().EffectiveSocketPath);
        var runtime = await OpenAsync(1, o => o.SocketPath = relay.Path);
        var spare = Assert.Single(await _cluster.UntilSparesAsync(1)).Id;
        _options.SpareDelay = TimeSpan.FromHours(1);
        relay.Cut();
        await _cluster.Engine.KillContainerAsync(spare, Cancel);
        relay.Mend();
        await Eventually.TrueAsync(() => IsReachedAsync(runtime), "Docker answers again");

        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);

        await runtime.UntilAsync("web", PodState.Ready);
        Assert.Equal(2, (await _cluster.ContainersAsync()).Count(c => c.State is "running"));
    }

    [Fact]
    public async Task CreateAsync_SpareWasTakenOffItsNetwork_GetsAnother()
    {
        var runtime = await OpenAsync(1);
        var spare = Assert.Single(await _cluster.UntilSparesAsync(1));
        await _cluster.DisconnectContainerAsync(spare.Name);

        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);

        var pod = await runtime.UntilAsync("web", PodState.Ready);
        using var http = new HttpClient();
        Assert.Equal("hello from busybox\n", await http.GetStringAsync($"http://{pod.Address!.Value.Host}:{pod.Address.Value.Port}/index.html", Cancel));
        Assert.DoesNotContain(await _cluster.ContainersAsync(), c => c.Id == spare.Id);
    }

    [Fact]
    public async Task StartAsync_ProcessDiedRightAfterItTookASpare_GoesOnWithIt()
    {
        var first = await OpenAsync(2);
        var spares = await _cluster.UntilSparesAsync(2);
        await first.DisposeAsync();
        // The record comes first, then the spare is renamed, then the containers are made.
        using (var machine = new DockerMachine(_cluster.Options(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance))
        {
            await machine.ConnectAsync(Cancel);
            await machine.RecordAsync(DockerPods.Web("web"));
        }

        await _cluster.Engine.RenameContainerAsync(spares[0].Id, _cluster.Infra("web"), Cancel);

        var next = await OpenAsync(2);

        await next.UntilAsync("web", PodState.Ready);
        Assert.Equal(spares[0].Id, (await _cluster.InspectAsync(_cluster.Infra("web"))).Id);
        // The other was made by a process whose settings may have been others.
        Assert.DoesNotContain(spares[1].Id, (await _cluster.UntilSparesAsync(2)).Select(c => c.Id));
    }

    [Fact]
    public async Task StartAsync_PodWithATakenSpare_IsAdoptedAndDeleted()
    {
        var first = await OpenAsync(1);
        await _cluster.UntilSparesAsync(1);
        await first.CreateAsync(DockerPods.Web("web"), Cancel);
        var before = await first.UntilAsync("web", PodState.Ready);
        await first.DisposeAsync();

        var next = await OpenAsync(0);

        Assert.Equal(before.Address, (await next.UntilAsync("web", PodState.Ready)).Address);
        Assert.Equal(0, next.Find("web")!.Containers[0].Restarts);
        await next.DeleteAsync("web", TimeSpan.FromSeconds(20), Cancel);
        await Eventually.TrueAsync(async () => (await _cluster.ContainersAsync()).Length == 0, "spares of before are gone too");
    }

    [Fact]
    public async Task StartAsync_TwoProcessesAtOnce_MakeOnePod()
    {
        var one = await OpenAsync(1);
        await _cluster.UntilSparesAsync(1);
        // The second removes the spare that it finds, and each makes one.
        var two = await OpenAsync(1);
        await _cluster.UntilSparesAsync(2);

        await Task.WhenAll(one.CreateAsync(DockerPods.Web("web"), Cancel), two.CreateAsync(DockerPods.Web("web"), Cancel));

        await Task.WhenAll(one.UntilAsync("web", PodState.Ready), two.UntilAsync("web", PodState.Ready));
        await _cluster.UntilSparesAsync(2);
        Assert.Equal(4, (await _cluster.ContainersAsync()).Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TeardownAsync_Spares_AreRemoved(bool inAnotherProcess)
    {
        var runtime = await OpenAsync(2);
        await _cluster.UntilSparesAsync(2);
        if (inAnotherProcess)
        {
            await runtime.DisposeAsync();
            runtime = _cluster.Make();
        }

        await runtime.TeardownAsync(TimeSpan.FromSeconds(5), Cancel);

        Assert.Empty(await _cluster.ContainersAsync());
        Assert.Empty(await _cluster.Engine.FindNetworksAsync(DockerLabels.Network(_cluster.Name), Cancel));
    }

    [Fact]
    public async Task StartAsync_NoSparesWanted_MakesNoneAndRemovesThoseOfBefore()
    {
        await (await OpenAsync(2)).DisposeAsync();
        var runtime = await OpenAsync(0);
        await _cluster.UntilSparesAsync(0);

        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);
        await runtime.UntilAsync("web", PodState.Ready);

        Assert.Equal("web\n", (await runtime.ExecAsync("web", "web", ["hostname"], TimeSpan.FromSeconds(30), Cancel)).Output);
        Assert.Equal(2, (await _cluster.ContainersAsync()).Length);
    }

    [Fact]
    public async Task StartAsync_PublishedPorts_KeepsNoSpares()
    {
        var runtime = await OpenAsync(2, o => o.AddressMode = AddressMode.Loopback);

        await runtime.CreateAsync(DockerPods.Web("web"), Cancel);

        Assert.Equal("127.0.0.1", (await runtime.UntilAsync("web", PodState.Ready)).Address!.Value.Host);
        Assert.Equal(2, (await _cluster.ContainersAsync()).Length);
    }

    private async Task<DockerRuntime> OpenAsync(int spares, Action<DockerRuntimeOptions>? change = null) => await _cluster.OpenAsync(options =>
    {
        options.SpareNetworks = spares;
        change?.Invoke(options);
        _options = options;
    });

    private static async Task<bool> IsReachedAsync(DockerRuntime runtime)
    {
        try
        {
            await runtime.GetCapacityAsync(Cancel);
            return true;
        }
        catch (RuntimeUnavailableException)
        {
            return false;
        }
    }
}
