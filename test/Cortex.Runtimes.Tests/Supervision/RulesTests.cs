using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Tests.Supervision;

public sealed class RulesTests
{
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
}
