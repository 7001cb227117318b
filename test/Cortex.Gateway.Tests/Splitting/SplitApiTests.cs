using System.Collections.Concurrent;
using Cortex.Gateway.Admission;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Splitting;
using Cortex.Routing;

namespace Cortex.Gateway.Tests.Splitting;

public sealed class SplitApiTests
{
    private static readonly Dictionary<string, ApiGate> NoGates = [];

    [Fact]
    public void Choose_WithoutAKey_IsExactOverAnyHundred()
    {
        var split = new SplitApi(Route(new("a", 60, false), new("b", 39, false), new("c", 1, false)), NoGates);

        var chosen = Enumerable.Range(0, 1000).Select(_ => split.Choose("")!.Target.Api).ToArray();

        for (var start = 0; start <= 900; start++)
        {
            var counts = chosen.Skip(start).Take(100).CountBy(api => api).ToDictionary();
            Assert.Equal((60, 39, 1), (counts["a"], counts["b"], counts["c"]));
        }
    }

    [Fact]
    public async Task Choose_ByManyThreads_IsExactInTotal()
    {
        var split = new SplitApi(Route(new("a", 93, false), new("b", 7, false)), NoGates);
        var counts = new ConcurrentBag<int>();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => counts.Add(Enumerable.Range(0, 10_000).Count(_ => split.Choose("")!.Target.Api == "b")))));

        Assert.Equal(5_600, counts.Sum());
    }

    [Fact]
    public void Choose_NeitherKeyNorShadow_AllocatesNothing()
    {
        var split = new SplitApi(Route(new("a", 50, false), new("b", 50, false), new("s", 10, true)), NoGates);
        split.Choose("");
        split.Choose("key");
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++)
        {
            split.Choose("");
            split.Choose("key");
            split.ChooseShadow();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Apply_NewWeights_HoldFromTheNextRequestOnAndKeepTheCounters()
    {
        var split = new SplitApi(Route(new("a", 100, false), new("b", 0, false)), NoGates);
        split.Choose("")!.Record(500, brokeOff: false, TimeSpan.Zero);

        split.Apply(Route(new("a", 0, false), new("b", 100, false)), NoGates);

        Assert.Equal("b", split.Choose("")!.Target.Api);
        Assert.Equal((1, 1), (split.Branches[0].Counters.Requests, split.Branches[0].Counters.Errors));
    }

    [Fact]
    public void Choose_Key_IsInProportionToTheWeights()
    {
        var split = new SplitApi(Route(new("a", 70, false), new("b", 25, false), new("c", 5, false), new("d", 0, false)), NoGates);

        var counts = Keys(20_000).CountBy(key => split.Choose(key)!.Target.Api).ToDictionary();

        // Four standard deviations of a fair draw; the keys are fixed, so that this never changes from run to run.
        Assert.InRange(counts["a"], 14_000 - 260, 14_000 + 260);
        Assert.InRange(counts["b"], 5_000 - 245, 5_000 + 245);
        Assert.InRange(counts["c"], 1_000 - 125, 1_000 + 125);
        Assert.DoesNotContain("d", counts.Keys);
    }

    [Fact]
    public void Choose_Key_StaysAcrossProcessesSnapshotsAndTheOrderOfTargets()
    {
        var split = new SplitApi(Route(new("a", 50, false), new("b", 50, false)), NoGates);
        var other = new SplitApi(Route(new("b", 50, false), new("s", 100, true), new("a", 50, false)), NoGates);

        foreach (var key in Keys(1000))
        {
            Assert.Equal(split.Choose(key)!.Target.Api, other.Choose(key)!.Target.Api);
        }

        // As any process must find it: clients come back after a restart.
        Assert.Equal("abbaaa", string.Concat(new[] { "alice", "bob", "carol", "dave", "42", "ü" }.Select(key => split.Choose(key)!.Target.Api)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(25)]
    public void Choose_KeyAfterOneTargetGrew_MovesOnlyToIt(int percent)
    {
        var before = new SplitApi(Route(new("a", 50, false), new("b", 0, false), new("c", 50, false)), NoGates);
        var after = new SplitApi(Route(new("a", 50 - percent, false), new("b", percent, false), new("c", 50, false)), NoGates);

        var moved = Keys(10_000).Where(key => before.Choose(key)!.Target.Api != after.Choose(key)!.Target.Api).ToArray();

        var toB = moved.Count(key => after.Choose(key)!.Target.Api == "b");
        Assert.InRange(toB, (percent * 100) - 45 * Math.Sqrt(percent), (percent * 100) + 45 * Math.Sqrt(percent));

        // What a lost goes to b or, as c's part of what is left has grown, to c; nothing else moves.
        Assert.All(moved, key => Assert.True(after.Choose(key)!.Target.Api == "b" || before.Choose(key)!.Target.Api == "a"));
        Assert.InRange(moved.Length, toB, percent * 100 * 2);
    }

    [Fact]
    public void Choose_KeyWhileACanaryGrows_NeverLeavesItsTargetAgain()
    {
        int[] steps = [1, 5, 25, 100];
        var plans = steps.Select(step => new SplitApi(Route(new("old", 100 - step, false), new("new", step, false)), NoGates)).ToArray();

        foreach (var key in Keys(2000))
        {
            var chosen = plans.Select(plan => plan.Choose(key)!.Target.Api).ToArray();
            Assert.Equal(chosen.Order(StringComparer.Ordinal).Reverse(), chosen);   // old, ..., then new for good
        }
    }

    [Fact]
    public void Choose_NoWeightAtAll_IsNobody()
    {
        var split = new SplitApi(Route(new SplitTarget("a", 0, false)), NoGates);

        Assert.Null(split.Choose(""));
        Assert.Null(split.Choose("key"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(100)]
    public void Shadow_OverTenThousand_IsExactAndSeesEveryTarget(int percent)
    {
        var plan = new SplitPlan(
            Route(new("a", 90, false), new("b", 10, false), new("s", percent, true)), NoGates,
            new[] { "a", "b", "s" }.ToDictionary(name => name, _ => new SplitCounters()));

        var copied = Enumerable.Range(0, 10_000).Where(turn => plan.Shadow((ulong)turn) is not null).ToArray();

        Assert.Equal(percent * 100, copied.Length);
        var ofB = copied.Count(turn => plan.InTurn((ulong)turn)!.Target.Api == "b");
        Assert.Equal(percent * 10, ofB);
    }

    private static SplitRoute Route(params SplitTarget[] targets) => new() { Name = "split", Endpoint = "/split", Targets = [.. targets] };

    private static IEnumerable<string> Keys(int count) => Enumerable.Range(0, count).Select(i => $"user-{i}");
}
