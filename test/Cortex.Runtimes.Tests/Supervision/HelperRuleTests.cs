using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Tests.Supervision;

public sealed class HelperRuleTests
{
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(10);

    [Fact]
    public void EndAt_OneEndedWithZero_IsAGraceLater() => Assert.Equal(At(15), HelperRule.EndAt([Ended(0, 5), Runs, Ended(0, 8)], _grace));

    [Fact]
    public void EndAt_NoneEnded_IsNever() => Assert.Null(HelperRule.EndAt([Runs, Runs], _grace));

    [Fact]
    public void EndAt_NoGrace_IsNever() => Assert.Null(HelperRule.EndAt([Ended(0, 5), Runs], null));

    [Fact]
    public void EndAt_AnotherFailedBefore_IsNever()
    {
        Assert.Null(HelperRule.EndAt([Ended(3, 4), Ended(0, 5), Runs], _grace));
        Assert.Null(HelperRule.EndAt([Ended(0, 5), Ended(3, 14), Runs], _grace));
    }

    [Fact]
    public void EndAt_GraceBeyondAllTime_IsNever() => Assert.Null(HelperRule.EndAt([Ended(0, 5), Runs], TimeSpan.MaxValue));

    [Theory]
    [InlineData(143, false)]
    [InlineData(137, false)]
    [InlineData(137, true)]
    [InlineData(1, false)]
    public void Excuse_HelperThatWasEnded_EndedWithZero(int exitCode, bool oom)
    {
        IReadOnlyList<ContainerFacts> pod = [Ended(0, 5), Ended(exitCode, 15) with { OomKilled = oom }];

        Assert.Equal(PodState.Succeeded, PodStateRule.Of(HelperRule.Excuse(pod, _grace), RestartPolicy.Never));
        Assert.Equal(0, HelperRule.Excuse([new ContainerStatus { Name = "main" }, new ContainerStatus { Name = "helper", ExitCode = exitCode }], pod, _grace)[1].ExitCode);
    }

    [Fact]
    public void Excuse_HelperThatNeverStarted_EndedWithZero() =>
        Assert.Equal(0, HelperRule.Excuse([Ended(0, 5), new(ContainerPhase.Ended, false, null, false, null)], _grace)[1].ExitCode);

    [Fact]
    public void Excuse_HelperThatFailedByItself_IsNone() =>
        Assert.Equal(PodState.Failed, PodStateRule.Of(HelperRule.Excuse([Ended(0, 5), Ended(1, 14)], _grace), RestartPolicy.Never));

    private static ContainerFacts Runs => new(ContainerPhase.Running, true, null, false, null);

    private static ContainerFacts Ended(int exitCode, int second) => new(ContainerPhase.Ended, false, exitCode, false, At(second));

    private static DateTimeOffset At(int second) => DateTimeOffset.UnixEpoch.AddSeconds(second);
}
