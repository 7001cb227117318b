using Cortex.Operator.Reconciling;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Operator.Tests.Reconciling;

public sealed class RolloutTests
{
    private static readonly DateTimeOffset _start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Next_NothingRuns_StartsAllAtOnce()
    {
        var step = Rollout.Next(wanted: 3, surge: 1, unavailable: 0, []);

        Assert.Equal(3, step.Start);
        Assert.Empty(step.Stop);
    }

    [Fact]
    public void Next_AllAsWanted_DoesNothing()
    {
        var step = Rollout.Next(2, 1, 0, [Replica("a"), Replica("b")]);

        Assert.Equal(0, step.Start);
        Assert.Empty(step.Stop);
    }

    [Fact]
    public void Next_OneWasLost_StartsOneWithoutWaitingForItsRemains()
    {
        var step = Rollout.Next(2, 0, 1, [Replica("a"), Replica("b", stopping: true)]);

        Assert.Equal(1, step.Start);
    }

    [Fact]
    public void Next_UpdateWithSurge_StartsNewBeforeStoppingOld()
    {
        var step = Rollout.Next(1, surge: 1, unavailable: 0, [Replica("old", latest: false)]);

        Assert.Equal(1, step.Start);
        Assert.Empty(step.Stop);
    }

    [Fact]
    public void Next_NewIsReady_StopsOld()
    {
        var step = Rollout.Next(1, 1, 0, [Replica("old", latest: false), Replica("new")]);

        Assert.Equal(0, step.Start);
        Assert.Equal(["old"], step.Stop);
    }

    [Fact]
    public void Next_NewIsNotReady_KeepsOldServing()
    {
        var step = Rollout.Next(1, 1, 0, [Replica("old", latest: false), Replica("new", ready: false)]);

        Assert.Equal(0, step.Start);
        Assert.Empty(step.Stop);
    }

    [Fact]
    public void Next_NoSurge_FreesTheRoomFirst()
    {
        var first = Rollout.Next(1, surge: 0, unavailable: 1, [Replica("old", latest: false)]);
        var whileStopping = Rollout.Next(1, 0, 1, [Replica("old", latest: false, stopping: true)]);
        var whenGone = Rollout.Next(1, 0, 1, []);

        Assert.Equal((0, 1), (first.Start, first.Stop.Count));
        Assert.Equal((0, 0), (whileStopping.Start, whileStopping.Stop.Count));
        Assert.Equal((1, 0), (whenGone.Start, whenGone.Stop.Count));
    }

    [Fact]
    public void Next_OldTakesNoRequests_GoesAtOnce()
    {
        var step = Rollout.Next(1, 1, 0, [Replica("broken", latest: false, ready: false), Replica("new", ready: false)]);

        Assert.Equal(["broken"], step.Stop);
    }

    [Fact]
    public void Next_TooMany_StopsThoseThatDoNotServeThenTheYoungest()
    {
        var step = Rollout.Next(1, 1, 0, [Replica("oldest", age: 3), Replica("waiting", ready: false, age: 2), Replica("youngest", age: 1)]);

        Assert.Equal(["waiting", "youngest"], step.Stop);
    }

    [Fact]
    public void Next_AppliedUntilQuiet_ReachesTheNewestVersionWithinItsBounds()
    {
        var cases =
            from wanted in Gen.Choose(0, 12)
            from before in Gen.Choose(0, 12)
            from surge in Gen.Choose(0, 5)
            from unavailable in Gen.Choose(surge == 0 ? 1 : 0, 5)
            from seed in Gen.Choose(0, int.MaxValue - 1)
            select (wanted, before, surge, unavailable, seed);

        Prop.ForAll(cases.ToArbitrary(), run => Simulate(run.wanted, run.before, run.surge, run.unavailable, new System.Random(run.seed)))
            .QuickCheckThrowOnFailure();
    }

    // Replicas become ready, and finish stopping, in random order between two steps; bounds must hold at every one.
    private static bool Simulate(int wanted, int before, int surge, int unavailable, System.Random random)
    {
        var replicas = Enumerable.Range(0, before).Select(i => Replica($"old{i}", latest: false)).ToList();
        var next = 0;
        for (var round = 0; round < 1000; round++)
        {
            var step = Rollout.Next(wanted, surge, unavailable, replicas);
            var readyBefore = replicas.Count(r => r is { Ready: true, Stopping: false });
            for (var i = 0; i < replicas.Count; i++)
            {
                replicas[i] = replicas[i] with { Stopping = replicas[i].Stopping || step.Stop.Contains(replicas[i].Id) };
            }

            replicas.AddRange(Enumerable.Range(0, step.Start).Select(_ => Replica($"new{next++}", ready: false)));

            var live = replicas.Where(r => !r.Stopping).ToList();
            var ready = live.Count(r => r.Ready);
            Assert.True(replicas.Count <= Math.Max(wanted + surge, before), $"{replicas.Count} replicas with {wanted} wanted");
            Assert.True(ready >= Math.Min(readyBefore, wanted - unavailable), $"{ready} ready of {wanted}");

            if (live.Count == wanted && live.All(r => r.Latest && r.Ready) && replicas.Count == wanted)
            {
                return true;
            }

            var changing = Enumerable.Range(0, replicas.Count).Where(i => replicas[i].Stopping || !replicas[i].Ready).ToList();
            if (changing.Count > 0)
            {
                var index = changing[random.Next(changing.Count)];
                if (replicas[index].Stopping)
                {
                    replicas.RemoveAt(index);
                }
                else
                {
                    replicas[index] = replicas[index] with { Ready = true };
                }
            }
        }

        return false;
    }

    private static RolloutReplica Replica(string id, bool latest = true, bool ready = true, bool stopping = false, int age = 0) =>
        new(id, latest, ready, stopping, _start.AddMinutes(-age));
}
