using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Tests.Supervision;

public sealed class RulesTests
{
    private static readonly Room _machine = new(1000, 1000, 2);

    [Fact]
    public void Decide_PodsThatFit_AllStart()
    {
        var decisions = Decide(default, TimeSpan.MaxValue, ("a", new Room(400, 0, 0), 0), ("b", new Room(600, 1000, 2), 0));

        Assert.All(decisions.Values, Assert.Null);
    }

    [Fact]
    public void Decide_NoRoom_NamesEveryResourceThatIsMissing()
    {
        var reason = Decide(new Room(500, 900, 2), TimeSpan.MaxValue, ("a", new Room(501, 101, 1), 0))["a"]!;

        Assert.Contains("cpu: wants 501m, 500m of 1000m", reason, StringComparison.Ordinal);
        Assert.Contains("memory", reason, StringComparison.Ordinal);
        Assert.Contains("gpus: wants 1, 0 of 2", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_BigPodWaitsShortly_SmallOnesPassIt()
    {
        var decisions = Decide(new Room(500, 0, 0), TimeSpan.FromSeconds(30), ("big", new Room(900, 0, 0), 29), ("small", new Room(100, 0, 0), 1));

        Assert.Null(decisions["small"]);
    }

    [Fact]
    public void Decide_BigPodWaitsLong_NobodyPassesIt()
    {
        var decisions = Decide(new Room(500, 0, 0), TimeSpan.FromSeconds(30), ("big", new Room(900, 0, 0), 30), ("small", new Room(100, 0, 0), 1));

        Assert.Contains("kept for big", decisions["small"], StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_PodLargerThanTheMachine_HoldsNobodyUp()
    {
        var decisions = Decide(default, TimeSpan.FromSeconds(30), ("huge", new Room(2000, 0, 0), 3600), ("small", new Room(100, 0, 0), 1));

        Assert.NotNull(decisions["huge"]);
        Assert.Null(decisions["small"]);
    }

    [Fact]
    public void Decide_PodThatAsksForNothing_AlwaysFits() =>
        Assert.Null(Decide(new Room(5000, 5000, 2), TimeSpan.MaxValue, ("free", default, 0))["free"]);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(5, 16)]
    [InlineData(9, 256)]
    [InlineData(10, 300)]
    [InlineData(1000, 300)]
    public void Delay_Restarts_DoublesUpToTheMost(int restarts, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), RestartBackoff.Default.Delay(restarts));

    [Fact]
    public void Of_ContainersInAnyMix_TakesTheWorstFirst()
    {
        Assert.Equal(PodState.Ready, Of(Runs(true), Runs(true)));
        Assert.Equal(PodState.NotReady, Of(Runs(true), Runs(false)));
        Assert.Equal(PodState.Creating, Of(Runs(true), new(ContainerPhase.Creating, false, null, false, null)));
        Assert.Equal(PodState.ErrImagePull, Of(Ended(137, oom: true), new(ContainerPhase.ImageError, false, null, false, null)));
        Assert.Equal(PodState.KilledOOM, Of(Ended(1), Ended(137), Ended(137, oom: true)));
        Assert.Equal(PodState.Killed, Of(Ended(1), Ended(143)));
        Assert.Equal(PodState.Failed, Of(Ended(0), Ended(1)));
        Assert.Equal(PodState.Succeeded, Of(Ended(0), Ended(0)));
        Assert.Equal(PodState.Ready, Of(Ended(0), Runs(true)));
        Assert.Equal(PodState.Pending, Of());
    }

    [Fact]
    public void Of_WaitingAfterACrash_IsNamedByTheCrash() => Assert.Equal(
        PodState.Killed, PodStateRule.Of([new(ContainerPhase.Waiting, false, 137, false, null), Runs(true)], RestartPolicy.Always));

    [Fact]
    public void Of_WaitingAfterAnEndWithZero_IsNotReady() => Assert.Equal(
        PodState.NotReady, PodStateRule.Of([new(ContainerPhase.Waiting, false, 0, false, null)], RestartPolicy.Always));

    [Fact]
    public void Of_RunningAgainAfterACrash_IsNotNamedByTheCrash() => Assert.Equal(
        PodState.Ready, PodStateRule.Of([new(ContainerPhase.Running, true, 1, false, null)], RestartPolicy.Always));

    [Fact]
    public void Of_JobWhoseOthersWereEndedByUs_IsNamedByTheFirstFailure()
    {
        var at = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

        var state = PodStateRule.Of(
            [new(ContainerPhase.Ended, false, 137, false, at.AddSeconds(5)), new(ContainerPhase.Ended, false, 3, false, at)], RestartPolicy.Never);

        Assert.Equal(PodState.Failed, state);
    }

    private static PodState Of(params ContainerFacts[] containers) => PodStateRule.Of(containers, RestartPolicy.Always);

    private static ContainerFacts Runs(bool ready) => new(ContainerPhase.Running, ready, null, false, null);

    private static ContainerFacts Ended(int exitCode, bool oom = false) => new(ContainerPhase.Ended, false, exitCode, oom, null);

    private static IReadOnlyDictionary<string, string?> Decide(Room taken, TimeSpan patience, params (string Id, Room Wants, int Waited)[] waiting) =>
        RoomRule.Decide(_machine, taken, waiting.Select(w => (w.Id, w.Wants, TimeSpan.FromSeconds(w.Waited))), patience);
}
