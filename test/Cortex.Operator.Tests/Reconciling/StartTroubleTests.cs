using Cortex.Operator.Reconciling;
using Cortex.Runtimes;

namespace Cortex.Operator.Tests.Reconciling;

public sealed class StartTroubleTests
{
    [Fact]
    public void Failure_NoPods_IsWhyNoneCouldBeCreated()
    {
        Assert.Null(StartTrouble.Failure([], null));
        Assert.Equal("no docker", StartTrouble.Failure([], "no docker"));
    }

    [Theory]
    [InlineData(PodState.ErrImagePull, 0, true)]
    [InlineData(PodState.Failed, 0, false)]
    [InlineData(PodState.Failed, 1, true)]
    [InlineData(PodState.Killed, 2, true)]
    [InlineData(PodState.KilledOOM, 1, true)]
    [InlineData(PodState.Pending, 0, false)]
    [InlineData(PodState.Stalled, 0, false)]
    [InlineData(PodState.Creating, 0, false)]
    [InlineData(PodState.NotReady, 3, false)]
    [InlineData(PodState.Frozen, 0, false)]
    public void Failure_OnePod_IsItsReasonOnceItHasFailedForMoreThanAMoment(PodState state, int restarts, bool fails)
    {
        var pod = Pod(state, restarts);

        Assert.Equal(fails ? "because" : null, StartTrouble.Failure([pod], null));
        Assert.Equal("because", StartTrouble.Delay([pod], null));
    }

    [Fact]
    public void Failure_AnotherPodMayStart_IsNone() =>
        Assert.Null(StartTrouble.Failure([Pod(PodState.ErrImagePull, 0), Pod(PodState.Creating, 0)], "no docker"));

    [Fact]
    public void Delay_NoReasonIsKnown_IsTheState()
    {
        Assert.Equal("the replica is Creating", StartTrouble.Delay([Pod(PodState.Creating, 0) with { Reason = "" }], null));
        Assert.Null(StartTrouble.Delay([], null));
    }

    private static PodStatus Pod(PodState state, int restarts) => new()
    {
        Id = "a",
        Labels = new Dictionary<string, string>(),
        State = state,
        Reason = "because",
        CreatedAt = DateTimeOffset.UnixEpoch,
        StateSince = DateTimeOffset.UnixEpoch,
        Containers = [new ContainerStatus { Name = "api", Restarts = restarts }],
    };
}
