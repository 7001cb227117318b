namespace Cortex.Runtimes.Tests.Conformance;

/// <summary>What every runtime must do. A backend says how its pods are made that serve, crash, hang and so on.</summary>
public abstract class RuntimeConformance : IAsyncLifetime
{
    private readonly List<IContainerRuntime> _opened = [];

    protected IContainerRuntime Runtime { get; private set; } = null!;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A pod that is to be created, and how it fares.</summary>
    /// <param name="Id">The pod's id.</param>
    /// <param name="Kind">How it fares.</param>
    protected sealed record Wish(string Id, Kind Kind)
    {
        public RestartPolicy Restart { get; init; } = RestartPolicy.Always;

        public int ExitCode { get; init; }

        public long MemoryBytes { get; init; } = 32L << 20;

        public long CpuMillis { get; init; } = 10;

        /// <summary>The API that it belongs to; null for one of its own.</summary>
        public string? Api { get; init; }

        public string? Job { get; init; }

        public IReadOnlyList<string>? NodeGroups { get; init; }

        public TimeSpan? HelperGrace { get; init; }
    }

    protected enum Kind
    {
        /// <summary>Two containers, web and side; ready soon; ends at once when told to.</summary>
        Serves,

        /// <summary>Runs and is never ready.</summary>
        NeverReady,

        /// <summary>Ends soon after its start.</summary>
        Exits,

        /// <summary>Web ends soon after its start, side would run on.</summary>
        OneExits,

        /// <summary>Uses more memory than its limit.</summary>
        EatsMemory,

        /// <summary>Its image takes for ever to come.</summary>
        ImageIsSlow,

        /// <summary>Its image can't be had.</summary>
        ImageIsMissing,

        /// <summary>Serves, but does not end when told to.</summary>
        IgnoresStop,

        /// <summary>Serves, and fails its liveness probe soon.</summary>
        FailsLiveness,

        /// <summary>Serves, and has written "one", "two" and "three" in each container.</summary>
        Writes,
    }

    /// <summary>A runtime as a new process would open it: on the same cluster each time, stalling after 2 s.</summary>
    /// <param name="groups">The machine's node groups.</param>
    protected abstract IContainerRuntime Open(IReadOnlyList<NodeGroupShare> groups);

    /// <summary>The definition that makes the pod fare so.</summary>
    protected abstract PodDefinition Make(Wish wish);

    /// <summary>Removes all that the test left.</summary>
    protected abstract Task CleanAsync();

    public async ValueTask InitializeAsync() => Runtime = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var runtime in _opened)
        {
            await runtime.DisposeAsync();
        }

        await CleanAsync();
        GC.SuppressFinalize(this);
    }

    protected async Task<IContainerRuntime> OpenAsync(params IReadOnlyList<NodeGroupShare> groups)
    {
        var runtime = Open(groups);
        _opened.Add(runtime);
        await runtime.StartAsync(Cancel);
        return runtime;
    }

    protected Task CreateAsync(Wish wish) => CreateAsync(Runtime, wish);

    private Task CreateAsync(IContainerRuntime runtime, Wish wish)
    {
        var pod = Make(wish);
        var labels = new Dictionary<string, string>(pod.Labels);
        if (wish.Api is not null)
        {
            labels[PodLabels.ApiName] = wish.Api;
        }

        if (wish.Job is not null)
        {
            labels[PodLabels.JobId] = wish.Job;
        }

        return runtime.CreateAsync(pod with { Labels = labels, NodeGroups = wish.NodeGroups }, Cancel);
    }

    [Fact]
    public async Task CreateAsync_PodThatServes_BecomesReady()
    {
        await CreateAsync(new Wish("web", Kind.Serves));

        var pod = await Runtime.UntilAsync("web", PodState.Ready);

        Assert.Equal(["web", "side"], pod.Containers.Select(c => c.Name));
        Assert.All(pod.Containers, c => Assert.True(c is { Running: true, Ready: true, Restarts: 0 }));
        Assert.Equal("web-api", pod.Labels[PodLabels.ApiName]);
        Assert.NotNull(pod.Address);
        Assert.Equal("", pod.Reason);
        Assert.True(pod.StateSince >= pod.CreatedAt);
    }

    [Fact]
    public async Task CreateAsync_Twice_MakesOnePod()
    {
        await Task.WhenAll(CreateAsync(new Wish("web", Kind.Serves)), CreateAsync(new Wish("web", Kind.Serves)));
        var first = await Runtime.UntilAsync("web", PodState.Ready);

        await CreateAsync(new Wish("web", Kind.Exits) { ExitCode = 3 });

        var pod = Assert.Single(Runtime.List());
        Assert.Equal((PodState.Ready, first.StateSince), (pod.State, pod.StateSince));
    }

    [Fact]
    public async Task CreateAsync_ProbeFails_IsNotReady()
    {
        await CreateAsync(new Wish("web", Kind.NeverReady));

        var pod = await Runtime.UntilAsync("web", PodState.NotReady);

        Assert.Contains(pod.Containers, c => c is { Name: "web", Restarts: 0 });
        Assert.Equal(PodState.NotReady, Runtime.Find("web")!.State);
    }

    [Fact]
    public async Task CreateAsync_NoRoom_IsPendingWithReasonAndStartsWhenThereIs()
    {
        var capacity = await Runtime.GetCapacityAsync(Cancel);
        await CreateAsync(new Wish("first", Kind.Serves) { CpuMillis = capacity.CpuMillis });
        await CreateAsync(new Wish("second", Kind.Serves) { CpuMillis = capacity.CpuMillis / 2 });
        await Runtime.UntilAsync("first", PodState.Ready);

        var waiting = Runtime.Find("second")!;
        Assert.True(waiting.State is PodState.Pending or PodState.Stalled);
        Assert.Contains("cpu", waiting.Reason, StringComparison.Ordinal);
        Assert.Contains($"{capacity.CpuMillis / 2}m", waiting.Reason, StringComparison.Ordinal);
        Assert.All(waiting.Containers, c => Assert.False(c.Running));

        await Runtime.DeleteAsync("first", TimeSpan.Zero, Cancel);
        await Runtime.UntilAsync("second", PodState.Ready);
    }

    [Fact]
    public async Task DeleteAsync_RoomComesFree_GoesToTheApiThatHoldsLeast()
    {
        var half = (await Runtime.GetCapacityAsync(Cancel)).CpuMillis / 2;
        await CreateAsync(new Wish("many-1", Kind.Serves) { Api = "many", CpuMillis = half });
        await CreateAsync(new Wish("many-2", Kind.Serves) { Api = "many", CpuMillis = half });
        await Runtime.UntilAsync("many-1", PodState.Ready);
        await Runtime.UntilAsync("many-2", PodState.Ready);
        for (var i = 3; i < 8; i++)
        {
            await CreateAsync(new Wish($"many-{i}", Kind.Serves) { Api = "many", CpuMillis = half });
        }

        await CreateAsync(new Wish("worker", Kind.Serves) { Api = "jobs", Job = "1", CpuMillis = half });
        await Runtime.UntilAsync("worker", pod => pod.Reason.Contains("not enough cpu", StringComparison.Ordinal), "has no room");

        await Runtime.DeleteAsync("many-1", TimeSpan.Zero, Cancel);

        await Runtime.UntilAsync("worker", PodState.Ready);
        Assert.All(Runtime.List().Where(pod => pod.Id.StartsWith("many", StringComparison.Ordinal) && pod.Id != "many-2"), pod => Assert.True(pod.State is PodState.Pending or PodState.Stalled));
        await Runtime.DeleteAsync("many-2", TimeSpan.Zero, Cancel);
        await Runtime.UntilAsync("many-3", PodState.Ready);
    }

    [Fact]
    public async Task CreateAsync_NodeGroups_AreSharesOfTheMachine()
    {
        await Runtime.DisposeAsync();
        var runtime = await OpenAsync(new NodeGroupShare("small", 10, CpuMillis: 100), new NodeGroupShare("large", 1, CpuMillis: 300));
        await CreateAsync(runtime, new Wish("one", Kind.Serves) { CpuMillis = 100, NodeGroups = ["small", "large"] });
        await runtime.UntilAsync("one", PodState.Ready);
        await CreateAsync(runtime, new Wish("two", Kind.Serves) { CpuMillis = 100, NodeGroups = ["small", "large"] });
        await runtime.UntilAsync("two", PodState.Ready);
        await CreateAsync(runtime, new Wish("three", Kind.Serves) { CpuMillis = 100, NodeGroups = ["small"] });

        var waiting = await runtime.UntilAsync("three", pod => pod.Reason.Length > 0, "has no room");
        Assert.Equal("node group small: not enough cpu: wants 100m, 0m of 100m are free", waiting.Reason);
        Assert.Equal(("small", "large", null), (runtime.Find("one")!.NodeGroup, runtime.Find("two")!.NodeGroup, waiting.NodeGroup));
        var capacity = await runtime.GetCapacityAsync(Cancel);
        Assert.Equal([("small", 100L, 100L, 1), ("large", 300, 100, 1)], capacity.NodeGroups.Select(group => (group.Name, group.CpuMillis, group.CpuMillisReserved, group.Pods)));

        // The next process counts each pod against the group that it took, not against the one that it would take today.
        await runtime.DisposeAsync();
        var next = await OpenAsync(new NodeGroupShare("small", 1, CpuMillis: 100), new NodeGroupShare("large", 10, CpuMillis: 300));
        await next.UntilAsync("two", PodState.Ready);
        Assert.Equal(("small", "large"), (next.Find("one")!.NodeGroup, next.Find("two")!.NodeGroup));
        Assert.Equal(waiting.Reason, (await next.UntilAsync("three", pod => pod.Reason.Length > 0, "has no room")).Reason);
        await next.DeleteAsync("one", TimeSpan.Zero, Cancel);
        Assert.Equal("small", (await next.UntilAsync("three", PodState.Ready)).NodeGroup);
    }

    [Fact]
    public async Task CreateAsync_NoRoomForLong_IsStalled()
    {
        var capacity = await Runtime.GetCapacityAsync(Cancel);
        await CreateAsync(new Wish("big", Kind.Serves) { MemoryBytes = capacity.MemoryBytes + (1L << 30) });
        Assert.Equal(PodState.Pending, (await Runtime.UntilAsync("big", p => p.Reason.Length > 0, "gives a reason")).State);

        var pod = await Runtime.UntilAsync("big", PodState.Stalled);

        Assert.Contains("memory", pod.Reason, StringComparison.Ordinal);
        await Runtime.DeleteAsync("big", TimeSpan.FromSeconds(5), Cancel);
        Assert.Empty(Runtime.List());
    }

    [Fact]
    public async Task CreateAsync_ImageIsSlow_IsCreating()
    {
        await CreateAsync(new Wish("web", Kind.ImageIsSlow));

        var pod = await Runtime.UntilAsync("web", PodState.Creating);

        Assert.All(pod.Containers, c => Assert.False(c.Running));
        await Runtime.DeleteAsync("web", TimeSpan.FromSeconds(5), Cancel);
        Assert.Empty(Runtime.List());
    }

    [Fact]
    public async Task CreateAsync_ImageIsMissing_IsErrImagePullWithTheRegistrysWords()
    {
        await CreateAsync(new Wish("web", Kind.ImageIsMissing));

        var pod = await Runtime.UntilAsync("web", PodState.ErrImagePull);

        Assert.Contains("connection refused", pod.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, PodState.Failed)]
    [InlineData(137, PodState.Killed)]
    [InlineData(143, PodState.Killed)]
    public async Task CreateAsync_ContainerExits_IsNamedByItsExitCode(int exitCode, PodState expected)
    {
        await CreateAsync(new Wish("web", Kind.Exits) { ExitCode = exitCode, Restart = RestartPolicy.Never });

        var pod = await Runtime.UntilAsync("web", expected);

        Assert.Equal(exitCode, pod.Containers[0].ExitCode);
        Assert.Contains(exitCode.ToString(System.Globalization.CultureInfo.InvariantCulture), pod.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_ContainerOverItsMemory_IsKilledOOM()
    {
        await CreateAsync(new Wish("web", Kind.EatsMemory));

        var pod = await Runtime.UntilAsync("web", PodState.KilledOOM);

        Assert.True(pod.Containers[0].OomKilled);
        Assert.Contains("memory", pod.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_JobEnds_IsSucceededAndFreesItsRoom()
    {
        await CreateAsync(new Wish("job", Kind.Exits) { Restart = RestartPolicy.Never });

        var pod = await Runtime.UntilAsync("job", PodState.Succeeded);

        Assert.All(pod.Containers, c => Assert.Equal(0, c.ExitCode));
        Assert.Equal(0, (await Runtime.GetCapacityAsync(Cancel)).CpuMillisReserved);
    }

    [Fact]
    public async Task CreateAsync_JobIsDoneButForAHelper_EndsItAndSucceeds()
    {
        await CreateAsync(new Wish("job", Kind.OneExits) { Restart = RestartPolicy.Never, HelperGrace = TimeSpan.FromSeconds(1) });

        var pod = await Runtime.UntilAsync("job", PodState.Succeeded);

        Assert.All(pod.Containers, c => Assert.Equal((false, 0), (c.Running, c.ExitCode)));
        Assert.Equal(0, (await Runtime.GetCapacityAsync(Cancel)).CpuMillisReserved);
    }

    [Fact]
    public async Task StartAsync_HelperWasEndedBefore_IsStillNoFailure()
    {
        await CreateAsync(new Wish("job", Kind.OneExits) { Restart = RestartPolicy.Never, HelperGrace = TimeSpan.FromSeconds(1) });
        await Runtime.UntilAsync("job", PodState.Succeeded);

        await Runtime.DisposeAsync();
        var next = await OpenAsync();

        Assert.All((await next.UntilAsync("job", PodState.Succeeded)).Containers, c => Assert.Equal(0, c.ExitCode));
    }

    [Fact]
    public async Task CreateAsync_OneContainerOfAJobFails_EndsTheOthersAndIsFailed()
    {
        await CreateAsync(new Wish("job", Kind.OneExits) { ExitCode = 3, Restart = RestartPolicy.Never });

        var pod = await Runtime.UntilAsync("job", p => p.State is PodState.Failed && p.Containers.All(c => !c.Running), "is failed and stopped");

        Assert.Equal(3, pod.Containers[0].ExitCode);
    }

    [Fact]
    public async Task CreateAsync_ContainerCrashes_IsRestartedWithBackoff()
    {
        await CreateAsync(new Wish("web", Kind.Exits) { ExitCode = 3 });

        // The first restart comes at once and the second after a second: in between the crash shows.
        await Runtime.UntilAsync("web", p => p.State is PodState.Failed && p.Containers[0].Restarts == 1, "waits for its second restart");
        var pod = await Runtime.UntilAsync("web", p => p.Containers[0].Restarts >= 2, "is restarted twice");

        Assert.Equal(3, pod.Containers[0].ExitCode);
    }

    [Fact]
    public async Task CreateAsync_LivenessFails_RestartsTheContainer()
    {
        await CreateAsync(new Wish("web", Kind.FailsLiveness));

        await Runtime.UntilAsync("web", p => p.Containers[0].Restarts >= 1, "is restarted");
    }

    [Fact]
    public async Task DeleteAsync_PodThatServes_IsGone()
    {
        await CreateAsync(new Wish("web", Kind.Serves));
        await Runtime.UntilAsync("web", PodState.Ready);

        await Runtime.DeleteAsync("web", TimeSpan.FromSeconds(50), Cancel);

        Assert.Empty(Runtime.List());
        Assert.Equal(0, (await Runtime.GetCapacityAsync(Cancel)).MemoryBytesReserved);
        await Runtime.DeleteAsync("web", TimeSpan.FromSeconds(50), Cancel);
    }

    [Fact]
    public async Task DeleteAsync_PodThatIgnoresIt_IsTerminatingUntilTheGraceIsOver()
    {
        await CreateAsync(new Wish("web", Kind.IgnoresStop));
        await Runtime.UntilAsync("web", PodState.Ready);
        var began = TimeProvider.System.GetTimestamp();

        var gone = Runtime.DeleteAsync("web", TimeSpan.FromSeconds(2), Cancel);
        await Runtime.UntilAsync("web", PodState.Terminating);
        await Task.WhenAll(gone, Runtime.DeleteAsync("web", TimeSpan.FromSeconds(60), Cancel));

        Assert.InRange(TimeProvider.System.GetElapsedTime(began).TotalSeconds, 1.9, 30);
        Assert.Empty(Runtime.List());
    }

    [Fact]
    public async Task DeleteAsync_ZeroGrace_KillsAtOnce()
    {
        await CreateAsync(new Wish("web", Kind.IgnoresStop));
        await Runtime.UntilAsync("web", PodState.Ready);
        var patient = Runtime.DeleteAsync("web", TimeSpan.FromMinutes(5), Cancel);

        await Runtime.DeleteAsync("web", TimeSpan.Zero, Cancel);

        await patient;
        Assert.Empty(Runtime.List());
    }

    [Fact]
    public async Task DeleteAsync_UnknownPod_DoesNothing()
    {
        await Runtime.DeleteAsync("nobody", TimeSpan.FromSeconds(1), Cancel);

        Assert.Empty(Runtime.List());
    }

    [Fact]
    public async Task ReadLogsAsync_WholeTailAndOneContainer_GiveThoseLines()
    {
        await CreateAsync(new Wish("web", Kind.Writes));
        await Runtime.UntilAsync("web", PodState.Ready);
        await Eventually.TrueAsync(async () => (await Runtime.LogsAsync("web")).Count == 6, "both containers have written");

        var all = await Runtime.LogsAsync("web");
        var one = await Runtime.LogsAsync("web", new LogQuery { Container = "side" });
        var last = await Runtime.LogsAsync("web", new LogQuery { Container = "web", Tail = 1 });

        Assert.Equal(["one", "two", "three"], all.Where(l => l.Container == "web").Select(l => l.Text));
        Assert.Equal(["one", "two", "three"], one.Select(l => l.Text));
        Assert.All(one, l => Assert.Equal("side", l.Container));
        Assert.Equal("three", Assert.Single(last).Text);
        Assert.Equal(all.OrderBy(l => l.Timestamp), all);
        Assert.Empty(await Runtime.LogsAsync("nobody"));
    }

    [Fact]
    public async Task ReadLogsAsync_Follow_EndsWithThePod()
    {
        await CreateAsync(new Wish("web", Kind.Writes));
        await Runtime.UntilAsync("web", PodState.Ready);

        var following = Runtime.LogsAsync("web", new LogQuery { Follow = true, Container = "web" });
        await Task.Delay(300, Cancel);
        Assert.False(following.IsCompleted);
        await Runtime.DeleteAsync("web", TimeSpan.FromSeconds(50), Cancel);

        Assert.Equal(["one", "two", "three"], (await following).Select(l => l.Text));
    }

    [Fact]
    public async Task ReadLogsAsync_FollowOfAJob_EndsWithTheJob()
    {
        await CreateAsync(new Wish("job", Kind.Exits) { Restart = RestartPolicy.Never });

        await Runtime.LogsAsync("job", new LogQuery { Follow = true });

        await Runtime.UntilAsync("job", PodState.Succeeded);
    }

    [Fact]
    public async Task ExecAsync_RunningContainer_GivesExitCodeAndOutput()
    {
        await CreateAsync(new Wish("web", Kind.Serves));
        await Runtime.UntilAsync("web", PodState.Ready);

        var good = await Runtime.ExecAsync("web", "web", ["echo", "hello"], TimeSpan.FromSeconds(30), Cancel);
        var bad = await Runtime.ExecAsync("web", "web", ["false"], TimeSpan.FromSeconds(30), Cancel);

        Assert.Equal((0, "hello\n", false), (good.ExitCode, good.Output, good.TimedOut));
        Assert.Equal(1, bad.ExitCode);
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => Runtime.ExecAsync("nobody", "web", ["true"], TimeSpan.FromSeconds(30), Cancel));
    }

    [Fact]
    public async Task FreezeAsync_ReadyPod_StandsStillAndKeepsItsMemoryOnly()
    {
        await CreateAsync(new Wish("web", Kind.Serves) { CpuMillis = 200, MemoryBytes = 64L << 20 });
        await Runtime.UntilAsync("web", PodState.Ready);

        Assert.True(await Runtime.FreezeAsync("web", Cancel));
        Assert.True(await Runtime.FreezeAsync("web", Cancel));

        var pod = await Runtime.UntilAsync("web", PodState.Frozen);
        Assert.Equal("", pod.Reason);
        Assert.All(pod.Containers, c => Assert.True(c is { Running: true, Restarts: 0 }));
        var capacity = await Runtime.GetCapacityAsync(Cancel);
        Assert.Equal((0, 64L << 20), (capacity.CpuMillisReserved, capacity.MemoryBytesReserved));
    }

    [Fact]
    public async Task FreezeAsync_MemoryThatSomebodyWaitsFor_IsKeptAndHeIsKnownToWaitForIt()
    {
        var all = (await Runtime.GetCapacityAsync(Cancel)).MemoryBytes;
        await CreateAsync(new Wish("first", Kind.Serves) { MemoryBytes = all });
        await Runtime.UntilAsync("first", PodState.Ready);
        await CreateAsync(new Wish("second", Kind.Serves) { MemoryBytes = 64L << 20 });
        await Runtime.UntilAsync("second", p => p is { Reason.Length: > 0, WaitsFor: null }, "waits");

        Assert.True(await Runtime.FreezeAsync("first", Cancel));
        await Runtime.UntilAsync("second", p => p is { State: PodState.Pending, WaitsFor: "first" }, "waits for a frozen pod");

        await Runtime.DeleteAsync("first", TimeSpan.FromSeconds(10), Cancel);
        Assert.Null((await Runtime.UntilAsync("second", PodState.Ready)).WaitsFor);
    }

    [Fact]
    public async Task FreezeAsync_CpuThatSomebodyWaitsFor_IsGivenToHim()
    {
        var all = (await Runtime.GetCapacityAsync(Cancel)).CpuMillis;
        await CreateAsync(new Wish("first", Kind.Serves) { CpuMillis = all });
        await Runtime.UntilAsync("first", PodState.Ready);
        await CreateAsync(new Wish("second", Kind.Serves) { CpuMillis = all });
        await Runtime.UntilAsync("second", p => p.Reason.Length > 0, "waits");

        Assert.True(await Runtime.FreezeAsync("first", Cancel));

        await Runtime.UntilAsync("second", PodState.Ready);
        Assert.True(await Runtime.ThawAsync("first", Cancel));
        await Runtime.UntilAsync("first", PodState.Ready);
    }

    [Fact]
    public async Task ThawAsync_FrozenPod_IsReadyWithoutARestart()
    {
        await CreateAsync(new Wish("web", Kind.Serves));
        var before = await Runtime.UntilAsync("web", PodState.Ready);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await Runtime.FreezeAsync("web", Cancel));

            Assert.True(await Runtime.ThawAsync("web", Cancel));

            var after = Runtime.Find("web")!;
            Assert.Equal((PodState.Ready, before.Address), (after.State, after.Address));
        }

        Assert.False(await Runtime.ThawAsync("web", Cancel));
        Assert.All(Runtime.Find("web")!.Containers, c => Assert.True(c is { Running: true, Ready: true, Restarts: 0 }));
        Assert.Equal(0, (await Runtime.ExecAsync("web", "web", ["true"], TimeSpan.FromSeconds(30), Cancel)).ExitCode);
    }

    [Fact]
    public async Task FreezeAsync_PodIsNotReady_ChangesNothing()
    {
        await CreateAsync(new Wish("web", Kind.NeverReady));
        await Runtime.UntilAsync("web", PodState.NotReady);

        Assert.False(await Runtime.FreezeAsync("web", Cancel));
        Assert.False(await Runtime.FreezeAsync("nobody", Cancel));
        Assert.False(await Runtime.ThawAsync("nobody", Cancel));

        Assert.Equal(PodState.NotReady, Runtime.Find("web")!.State);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public async Task DeleteAsync_FrozenPod_IsGone(int grace)
    {
        await CreateAsync(new Wish("web", Kind.Serves));
        await Runtime.UntilAsync("web", PodState.Ready);
        await Runtime.FreezeAsync("web", Cancel);
        var began = TimeProvider.System.GetTimestamp();

        await Runtime.DeleteAsync("web", TimeSpan.FromSeconds(grace), Cancel);

        // It was let go on, so that it could end when it was told to.
        Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(45));
        Assert.Empty(Runtime.List());
        Assert.Equal(0, (await Runtime.GetCapacityAsync(Cancel)).MemoryBytesReserved);
    }

    [Fact]
    public async Task StartAsync_PodWasFrozen_IsStillFrozenAndCanGoOn()
    {
        await CreateAsync(new Wish("web", Kind.Serves) { CpuMillis = 123 });
        var before = await Runtime.UntilAsync("web", PodState.Ready);
        await Runtime.FreezeAsync("web", Cancel);
        await Runtime.DisposeAsync();

        var next = await OpenAsync();

        var frozen = next.Find("web")!;
        Assert.Equal(PodState.Frozen, frozen.State);
        Assert.InRange(frozen.StateSince, before.StateSince.AddSeconds(-2), TimeProvider.System.GetUtcNow());
        Assert.Equal(0, (await next.GetCapacityAsync(Cancel)).CpuMillisReserved);
        Assert.True(await next.ThawAsync("web", Cancel));
        Assert.Equal(PodState.Ready, next.Find("web")!.State);
        Assert.Equal(0, next.Find("web")!.Containers.Sum(c => c.Restarts));
        await next.UntilAsync("web", p => p.Address == before.Address, "has its address");
        await next.DeleteAsync("web", TimeSpan.FromSeconds(50), Cancel);
        Assert.Empty(next.List());
    }

    [Fact]
    public async Task GetUsageAsync_RunningPod_GivesWhatItUses()
    {
        await CreateAsync(new Wish("web", Kind.Serves));
        await Runtime.UntilAsync("web", PodState.Ready);

        var usage = await Runtime.GetUsageAsync("web", Cancel);

        Assert.NotNull(usage);
        Assert.True(usage is { CpuSeconds: > 0, MemoryBytes: > 0 }, $"{usage}");
        Assert.Null(await Runtime.GetUsageAsync("nobody", Cancel));
    }

    [Fact]
    public async Task GetCapacityAsync_WithPods_CountsTheirReservations()
    {
        await CreateAsync(new Wish("web", Kind.Exits) { Restart = RestartPolicy.Always, CpuMillis = 250, MemoryBytes = 64L << 20 });
        await CreateAsync(new Wish("second", Kind.NeverReady) { CpuMillis = 50, MemoryBytes = 32L << 20 });
        await Eventually.TrueAsync(async () => (await Runtime.GetCapacityAsync(Cancel)).CpuMillisReserved > 250, "both have room");

        var capacity = await Runtime.GetCapacityAsync(Cancel);

        Assert.Equal((300, 96L << 20, 0), (capacity.CpuMillisReserved, capacity.MemoryBytesReserved, capacity.GpusReserved));
        Assert.True(capacity is { CpuMillis: > 0, MemoryBytes: > 0, Description.Length: > 0 });
    }

    [Fact]
    public async Task WatchAsync_PodChanges_NamesThePod()
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var watch = Runtime.WatchAsync(enough.Token);
        await CreateAsync(new Wish("web", Kind.Serves));
        var seen = new List<PodState>();

        await foreach (var podId in watch)
        {
            Assert.Equal("web", podId);
            seen.Add(Runtime.Find(podId)!.State);
            if (seen[^1] is PodState.Ready)
            {
                break;
            }
        }

        Assert.Equal(PodState.Ready, seen[^1]);
    }

    [Fact]
    public async Task WatchAsync_RuntimeIsDisposed_Ends()
    {
        var second = await OpenAsync();
        var watching = Task.Run(async () => await second.WatchAsync(Cancel).ToListAsync(Cancel), Cancel);

        await second.DisposeAsync();

        await watching.WaitAsync(Eventually.Limit, Cancel);
    }

    [Fact]
    public async Task StartAsync_AfterAnotherProcess_AdoptsWithoutRestarting()
    {
        await CreateAsync(new Wish("web", Kind.Serves) { CpuMillis = 123 });
        await CreateAsync(new Wish("job", Kind.Exits) { Restart = RestartPolicy.Never, ExitCode = 3 });
        var before = await Runtime.UntilAsync("web", PodState.Ready);
        await Runtime.UntilAsync("job", PodState.Failed);
        var uptime = await UptimeAsync(Runtime);
        await Runtime.DisposeAsync();

        var next = await OpenAsync();

        Assert.Equal(["job", "web"], next.List().Select(p => p.Id).Order());
        var after = await next.UntilAsync("web", PodState.Ready);
        Assert.Equal((before.Address, before.Labels[PodLabels.ApiName]), (after.Address, after.Labels[PodLabels.ApiName]));
        Assert.Equal(uptime, await UptimeAsync(next));
        Assert.Equal(3, (await next.UntilAsync("job", PodState.Failed)).Containers[0].ExitCode);
        Assert.Equal(0, after.Containers.Sum(c => c.Restarts));
        Assert.Equal(123, (await next.GetCapacityAsync(Cancel)).CpuMillisReserved);
        await next.DeleteAsync("web", TimeSpan.FromSeconds(50), Cancel);
        await next.DeleteAsync("job", TimeSpan.FromSeconds(50), Cancel);
        Assert.Empty(next.List());

        static async Task<string> UptimeAsync(IContainerRuntime runtime) =>
            (await runtime.ExecAsync("web", "web", ["echo", "hello"], TimeSpan.FromSeconds(30), Cancel)).Output
            + (await runtime.ExecAsync("web", "web", ["stat", "-c", "%Y", "/proc/1"], TimeSpan.FromSeconds(30), Cancel)).Output;
    }
}
