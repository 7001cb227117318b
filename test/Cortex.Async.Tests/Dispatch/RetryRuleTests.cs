using Cortex.Dispatch;
using Cortex.Routing;

namespace Cortex.Async.Tests.Dispatch;

public sealed class RetryRuleTests
{
    private static readonly QueuePolicy Policy = new() { MaxAttempts = 10, RetryBackoff = TimeSpan.FromSeconds(1), RetryBackoffMax = TimeSpan.FromSeconds(5), MaxLostAttempts = 2 };

    [Theory]
    [InlineData(0, 0.5, 1)]
    [InlineData(1, 0.5, 2)]
    [InlineData(2, 0.5, 4)]
    [InlineData(3, 0.5, 5)]
    [InlineData(8, 0.5, 5)]
    [InlineData(0, 0.0, 0.8)]
    [InlineData(8, 1.0, 6)]
    public void AfterFailure_AttemptsLeft_DoublesUpToItsBoundWithJitter(int before, double random, double seconds) =>
        Assert.Equal(seconds, RetryRule.AfterFailure(Policy, before, random)!.Value.TotalSeconds, 6);

    [Fact]
    public void AfterFailure_LastAttempt_GivesUp()
    {
        Assert.Null(RetryRule.AfterFailure(Policy, 9, 0.5));
        Assert.Null(RetryRule.AfterFailure(new QueuePolicy(), 0, 0.5));
    }

    [Fact]
    public void AfterFailure_HundredAttemptsOfLongBackoff_StaysAtItsBound() =>
        Assert.Equal(TimeSpan.FromMinutes(5), RetryRule.AfterFailure(new QueuePolicy { MaxAttempts = 100, RetryBackoff = TimeSpan.FromMinutes(1) }, 98, 0.5));

    [Fact]
    public void AfterLoss_FirstTime_IsAtOnceThenPausesThenGivesUp()
    {
        Assert.Equal(TimeSpan.Zero, RetryRule.AfterLoss(Policy, 0, 0.5));
        Assert.Equal(TimeSpan.FromSeconds(1), RetryRule.AfterLoss(Policy, 1, 0.5));
        Assert.Null(RetryRule.AfterLoss(Policy, 2, 0.5));
        Assert.Null(RetryRule.AfterLoss(Policy with { MaxLostAttempts = 0 }, 0, 0.5));
    }
}
