using Cortex.Runtimes.Fake;

namespace Cortex.Runtimes.Tests.Fake;

/// <summary>The knobs that the conformance suite does not turn.</summary>
public sealed class FakeRuntimeTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly FakeRuntime _runtime;

    public FakeRuntimeTests() => _runtime = new FakeRuntime(_time);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private PodStatus Pod => Assert.Single(_runtime.List());

    [Fact]
    public async Task CreateAsync_ByDefault_IsReadyAtOnce()
    {
        await CreateAsync("web");

        Assert.Equal(PodState.Ready, Pod.State);
    }

    [Fact]
    public async Task BehaveNext_Two_ConcernsTheNextTwo()
    {
        _runtime.Machine.BehaveNext(new FakeBehaviour { StartError = "no such program" }, count: 2);

        foreach (var id in new[] { "a", "b", "c" })
        {
            await CreateAsync(id);
        }

        Assert.Equal([PodState.Failed, PodState.Failed, PodState.Ready], _runtime.List().OrderBy(p => p.Id).Select(p => p.State));
        Assert.Equal("no such program", _runtime.List().First(p => p.Id == "a").Reason);
    }

    [Fact]
    public async Task ReadyAfter_ClockMoves_BecomesReady()
    {
        _runtime.Machine.Behaviour = new FakeBehaviour { CreatingFor = TimeSpan.FromSeconds(3), ReadyAfter = TimeSpan.FromSeconds(2) };
        await CreateAsync("web");

        Assert.Equal(PodState.Creating, Pod.State);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(PodState.NotReady, Pod.State);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(PodState.Ready, Pod.State);
        Assert.Equal(_time.GetUtcNow(), Pod.StateSince);
    }

    [Fact]
    public async Task MarkReadyAndNotReady_Pod_FollowsAtOnce()
    {
        _runtime.Machine.Behaviour = new FakeBehaviour { ReadyAfter = Timeout.InfiniteTimeSpan };
        await CreateAsync("web");

        _runtime.Machine.MarkReady("web");
        Assert.Equal(PodState.Ready, Pod.State);
        _runtime.Machine.MarkNotReady("web", "port 8080 is closed");
        Assert.Equal((PodState.NotReady, "port 8080 is closed"), (Pod.State, Pod.Reason));
    }

    [Fact]
    public async Task End_CrashingContainer_ComesBackAfterItsBackoff()
    {
        await CreateAsync("web");

        _runtime.Machine.End("web", "main", 3);
        Assert.Equal(PodState.Failed, Pod.State);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(PodState.Ready, Pod.State);
        _runtime.Machine.End("web", "main", 137, oomKilled: true);
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(PodState.KilledOOM, Pod.State);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((PodState.Ready, 2), (Pod.State, Pod.Containers[0].Restarts));
    }

    [Fact]
    public async Task NoRoom_Rebehave_StartsIt()
    {
        _runtime.Machine.Behave("web", new FakeBehaviour { NoRoom = "the machine is full" });
        await CreateAsync("web");
        Assert.Equal((PodState.Pending, "the machine is full"), (Pod.State, Pod.Reason));
        _time.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(PodState.Stalled, Pod.State);

        _runtime.Machine.Rebehave("web", new FakeBehaviour());

        Assert.Equal(PodState.Ready, Pod.State);
    }

    [Fact]
    public async Task CpuMillis_Raised_StartsThePodsThatWait()
    {
        _runtime.Machine.CpuMillis = 100;
        await CreateAsync("a");
        await CreateAsync("b");
        Assert.Equal([PodState.Pending, PodState.Ready], _runtime.List().Select(p => p.State).Order());

        _runtime.Machine.CpuMillis = 200;

        Assert.All(_runtime.List(), p => Assert.Equal(PodState.Ready, p.State));
    }

    [Fact]
    public async Task StopTakes_LongerThanGrace_IsGoneAtTheGrace()
    {
        _runtime.Machine.Behaviour = new FakeBehaviour { StopTakes = TimeSpan.FromMinutes(5) };
        await CreateAsync("web");

        var gone = _runtime.DeleteAsync("web", TimeSpan.FromSeconds(60), Cancel);

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal((PodState.Terminating, false), (Pod.State, gone.IsCompleted));
        _time.Advance(TimeSpan.FromSeconds(1));
        await gone.WaitAsync(Eventually.Limit, Cancel);
        Assert.Empty(_runtime.List());
    }

    // Timers go by another clock than the one that names the moments, and that one may be behind.
    [Fact]
    public async Task HelperGrace_OverBeforeTheClockSaysSo_SucceedsAllTheSame()
    {
        await _runtime.CreateAsync(new PodDefinition
        {
            Id = "job",
            Labels = new Dictionary<string, string>(),
            Containers = [new PodContainer { Name = "main", Image = "anything" }, new PodContainer { Name = "helper", Image = "anything" }],
            Restart = RestartPolicy.Never,
            HelperGrace = TimeSpan.FromSeconds(10),
        }, Cancel);
        _runtime.Machine.End("job", "main", 0);
        _time.Jump(-TimeSpan.FromMilliseconds(1));

        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(PodState.Succeeded, Pod.State);
        Assert.All(Pod.Containers, c => Assert.Equal(0, c.ExitCode));
    }

    [Fact]
    public async Task Unavailable_EveryCall_FailsWithTheWords()
    {
        await CreateAsync("web");
        _runtime.Machine.Unavailable = "Docker Engine is not running";

        var error = await Assert.ThrowsAsync<RuntimeUnavailableException>(() => CreateAsync("second"));

        Assert.Equal("Docker Engine is not running", error.Message);
        await Assert.ThrowsAsync<RuntimeUnavailableException>(() => _runtime.StartAsync(Cancel));
        await Assert.ThrowsAsync<RuntimeUnavailableException>(() => _runtime.DeleteAsync("web", TimeSpan.Zero, Cancel));
        Assert.Single(_runtime.List());

        // What is known is told all the same.
        Assert.Equal(new RuntimeTrouble("Docker Engine is not running", _time.GetUtcNow()), _runtime.Trouble);
        Assert.Equal(100, (await _runtime.GetCapacityAsync(Cancel)).CpuMillisReserved);
    }

    [Fact]
    public async Task Machine_SecondRuntime_SeesTheSamePods()
    {
        await CreateAsync("web");
        await _runtime.DisposeAsync();

        await using var next = new FakeRuntime(_runtime.Machine);
        await next.StartAsync(Cancel);

        Assert.Equal("web", Assert.Single(next.List()).Id);
        Assert.Equal(1, _runtime.Machine.CreatedCount);
    }

    public ValueTask DisposeAsync() => _runtime.DisposeAsync();

    private Task CreateAsync(string id) => _runtime.CreateAsync(new PodDefinition
    {
        Id = id,
        Labels = new Dictionary<string, string>(),
        Containers = [new PodContainer { Name = "main", Image = "anything", CpuMillis = 100 }],
    }, Cancel);
}
