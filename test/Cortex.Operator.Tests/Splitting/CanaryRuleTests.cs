using Cortex.Core.Specs;
using Cortex.Operator.Splitting;

namespace Cortex.Operator.Tests.Splitting;

public sealed class CanaryRuleTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    private static readonly CanarySpec Canary = new() { To = "new", Steps = [1, 10, 100], Every = TimeSpan.FromMinutes(5), MaxErrorRate = 0.01, MaxP99 = TimeSpan.FromMilliseconds(250), MinRequests = 100 };

    [Theory]
    [InlineData(false, "Waiting 0")]
    [InlineData(true, "Progressing 0")]
    public void Next_Waiting_BeginsWhenTheTargetCanServe(bool canServe, string expected)
    {
        var next = CanaryRule.Next(Canary, CanaryState.New(Now), default, default, TimeSpan.FromDays(1), canServe, Now);

        Assert.Equal(expected, Text(next));
    }

    // The step lasts 5 minutes and needs 100 requests, of which 1 may fail and 1 may be slow.
    [Theory]
    [InlineData(299, 1000, 0, 0, "Progressing 1")]
    [InlineData(300, 99, 0, 0, "Progressing 1")]
    [InlineData(3000, 0, 0, 0, "Progressing 1")]
    [InlineData(300, 100, 0, 0, "Progressing 2")]
    [InlineData(300, 100, 1, 1, "Progressing 2")]
    [InlineData(300, 100, 2, 0, "RolledBack 1")]
    [InlineData(300, 100, 0, 2, "RolledBack 1")]
    [InlineData(1, 100, 2, 0, "RolledBack 1")]
    [InlineData(1, 2, 2, 0, "RolledBack 1")]
    [InlineData(1, 2, 1, 1, "Progressing 1")]
    [InlineData(300, 10_000, 100, 100, "Progressing 2")]
    [InlineData(300, 10_000, 101, 0, "RolledBack 1")]
    [InlineData(300, 10_000, 0, 101, "RolledBack 1")]
    public void Next_Progressing_PromotesGoesBackOrStays(int seconds, long requests, long errors, long slow, string expected)
    {
        var state = new CanaryState(CanaryPhase.Progressing, 1, Now - TimeSpan.FromSeconds(seconds), "");

        var next = CanaryRule.Next(Canary, state, new(requests, errors, slow), default, TimeSpan.FromSeconds(seconds), canServe: true, Now);

        Assert.Equal(expected, Text(next));
        Assert.Equal(next == state ? state.Since : Now, next.Since);
    }

    [Fact]
    public void Next_LateFailuresAfterManyGoodOnes_GoBackForWhatIsRecent()
    {
        var state = new CanaryState(CanaryPhase.Progressing, 0, Now, "");

        var next = CanaryRule.Next(Canary, state, new(100_000, 50, 0), new(200, 50, 0), TimeSpan.FromMinutes(4), canServe: true, Now);

        Assert.Equal("RolledBack 0", Text(next));
        Assert.Equal("50 of 200 requests to new failed; max_error_rate is 0.01", next.Reason);
    }

    [Fact]
    public void Next_SlowTarget_SaysSo()
    {
        var next = CanaryRule.Next(Canary, new(CanaryPhase.Progressing, 2, Now, ""), new(500, 0, 6), default, TimeSpan.Zero, canServe: true, Now);

        Assert.Equal("6 of 500 requests to new took longer than 250ms; max_p99 allows 1 of 100", next.Reason);
    }

    [Fact]
    public void Next_WithoutLimits_NeverGoesBack()
    {
        var careless = Canary with { MaxErrorRate = null, MaxP99 = null };

        Assert.Equal("Progressing 1", Text(CanaryRule.Next(careless, new(CanaryPhase.Progressing, 0, Now, ""), new(100, 100, 100), new(100, 100, 100), Canary.Every, canServe: true, Now)));
    }

    [Fact]
    public void Next_LastStepWentWell_IsPromotedAndStaysSo()
    {
        var promoted = CanaryRule.Next(Canary, new(CanaryPhase.Progressing, 2, Now, ""), new(100, 0, 0), default, Canary.Every, canServe: true, Now);

        Assert.Equal("Promoted 2", Text(promoted));
        Assert.Same(promoted, CanaryRule.Next(Canary, promoted, new(1000, 1000, 1000), new(1000, 1000, 1000), TimeSpan.FromDays(1), canServe: false, Now));
    }

    [Fact]
    public void Next_WentBack_StaysThere()
    {
        var back = new CanaryState(CanaryPhase.RolledBack, 1, Now, "why");

        Assert.Same(back, CanaryRule.Next(Canary, back, new(1000, 0, 0), new(1000, 0, 0), TimeSpan.FromDays(1), canServe: true, Now));
    }

    // A target that does well at every step is promoted after all steps; one that breaks a limit anywhere ends with the old weights. Whatever comes,
    // the step only grows by one, and only the rule's own ends are ends.
    [Fact]
    public void Next_RandomRuns_MoveOneStepAtATimeAndEndOnlyOnce()
    {
        var random = new Random(3);
        for (var run = 0; run < 500; run++)
        {
            var state = CanaryState.New(Now);
            for (var i = 0; i < 50; i++)
            {
                var requests = random.Next(0, 300);
                var counts = new CanaryCounts(requests, random.Next(4) == 0 ? random.Next(requests + 1) : 0, 0);
                var next = CanaryRule.Next(Canary, state, counts, default, TimeSpan.FromMinutes(random.Next(10)), random.Next(2) == 0, Now);
                if (next != state)
                {
                    Assert.False(state.HasEnded);
                    Assert.Equal(state.Phase == CanaryPhase.Progressing && next.Phase == CanaryPhase.Progressing ? state.Step + 1 : state.Step, next.Step);
                    Assert.Equal(next.Phase == CanaryPhase.RolledBack, next.Reason.Length > 0);
                    Assert.Equal(next.Phase == CanaryPhase.RolledBack, counts.Errors > 0.01 * Math.Max(100, requests) && state.Phase == CanaryPhase.Progressing);
                }

                state = next;
            }
        }
    }

    [Theory]
    [InlineData("Waiting", 0, new[] { 80, 20, 0, 30 })]
    [InlineData("Progressing", 0, new[] { 79, 20, 1, 30 })]
    [InlineData("Progressing", 1, new[] { 72, 18, 10, 30 })]
    [InlineData("Progressing", 2, new[] { 0, 0, 100, 30 })]
    [InlineData("Promoted", 2, new[] { 0, 0, 100, 30 })]
    [InlineData("RolledBack", 1, new[] { 80, 20, 0, 30 })]
    public void Weights_FollowTheState(string phase, int step, int[] expected)
    {
        TrafficSplitterTarget[] targets = [new("old", 80, false), new("older", 20, false), new("new", 0, false), new("dark", 30, true)];

        Assert.Equal(expected, CanaryRule.Weights(targets, Canary, new(Enum.Parse<CanaryPhase>(phase), step, Now, "")));
        Assert.Equal([80, 20, 0, 30], CanaryRule.Weights(targets, null, null));
    }

    [Fact]
    public void Weights_Anything_SumToAHundredAndShrinkInProportion()
    {
        var random = new Random(4);
        for (var run = 0; run < 1000; run++)
        {
            var cuts = Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(100)).Append(0).Append(99).Order().ToArray();
            var weights = cuts.Zip(cuts.Skip(1), (from, to) => to - from).ToArray();
            TrafficSplitterTarget[] targets = [.. weights.Select((weight, i) => new TrafficSplitterTarget($"t{i}", weight, false)), new("new", 1, false)];
            var step = random.Next(2, 101);

            var shared = CanaryRule.Weights(targets, Canary with { Steps = [step] }, new(CanaryPhase.Progressing, 0, Now, ""));

            Assert.Equal((100, step), (shared.Sum(), shared[^1]));
            for (var i = 0; i < weights.Length; i++)
            {
                Assert.InRange(shared[i], Math.Floor((100 - step) * weights[i] / 99.0), Math.Ceiling((100 - step) * weights[i] / 99.0));
            }
        }
    }

    private static string Text(CanaryState state) => $"{state.Phase} {state.Step}";
}
