using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Tests.Supervision;

public sealed class RoomRuleTests
{
    private static readonly Room _machine = new(1000, 1000, 2);

    [Fact]
    public void Decide_PodsThatFit_AllStart() => AssertStarted(Decide([], [Pod("a", cpu: 400), Pod("b", cpu: 600, memory: 1000, gpus: 2)]), "a", "b");

    [Fact]
    public void Decide_NoRoom_NamesEveryResourceThatIsMissing()
    {
        var reason = Decide([Holder("x", 500, 900, 2)], [Pod("a", cpu: 501, memory: 101, gpus: 1)])["a"].Shortage!;

        Assert.Contains("cpu: wants 501m, 500m of 1000m", reason, StringComparison.Ordinal);
        Assert.Contains("memory", reason, StringComparison.Ordinal);
        Assert.Contains("gpus: wants 1, 0 of 2", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_PodThatAsksForNothing_AlwaysFits() => AssertStarted(Decide([Holder("x", 5000, 5000, 2)], [Pod("free")]), "free");

    [Fact]
    public void Decide_ApiThatHoldsLess_GoesFirstAlthoughItCameLater() =>
        AssertStarted(Decide([Holder("many", 600), Holder("few", 100)], [Pod("many-2", "many", cpu: 300), Pod("few-2", "few", cpu: 300)]), "few-2");

    [Fact]
    public void Decide_ApiWithFiftyWaiting_LeavesRoomForAnothersFirst() =>
        AssertStarted(
            Decide([Holder("many", 600)], [.. Enumerable.Range(0, 50).Select(i => Pod($"many-{i}", "many", cpu: 100, waited: 3600)), Pod("other", cpu: 100)]),
            "other", "many-0", "many-1", "many-2");

    [Fact]
    public void Decide_SharesAreEqual_TakesTurns() =>
        AssertStarted(
            Decide([Holder("x", 600)], [Pod("a-1", "a", cpu: 100), Pod("a-2", "a", cpu: 100), Pod("a-3", "a", cpu: 100), Pod("b-1", "b", cpu: 100), Pod("b-2", "b", cpu: 100)]),
            "a-1", "a-2", "b-1", "b-2");

    [Fact]
    public void Decide_Share_IsThatOfTheResourceTakenMost()
    {
        // 30 % of the processor is less than 40 % of the memory.
        AssertStarted(
            Decide([Holder("cpu", 300), Holder("memory", 0, 400)], [Pod("memory-2", "memory", cpu: 500, memory: 100), Pod("cpu-2", "cpu", cpu: 500, memory: 100)]),
            "cpu-2");
    }

    [Fact]
    public void Decide_JobsOfOneApi_AreServedByWhatTheyHold() =>
        AssertStarted(
            Decide([Holder("score", 300, job: "j1"), Holder("x", 500)], [Pod("j1-2", "score", "j1", cpu: 200), Pod("j2-1", "score", "j2", cpu: 200)]),
            "j2-1");

    [Fact]
    public void Decide_ManyJobsOfOneApi_AreOneParty() =>
        AssertStarted(
            Decide(
                [Holder("x", 500), Holder("score", 200, job: "j1"), Holder("score", 200, job: "j2")],
                [Pod("j3-1", "score", "j3", cpu: 100), Pod("x-2", "y", cpu: 100)]),
            "x-2");

    [Fact]
    public void Decide_BigPodWaitsShortly_SmallOnesPassIt() =>
        AssertStarted(Decide([Holder("x", 500, job: "j")], [Pod("big", cpu: 900, waited: 29), Pod("small", cpu: 100, waited: 1)]), "small");

    [Fact]
    public void Decide_BigPodWaitsLong_NobodyPassesIt()
    {
        var decisions = Decide([Holder("x", 500, job: "j")], [Pod("big", cpu: 900, waited: 30), Pod("small", cpu: 100, waited: 1)]);

        Assert.Contains("kept for big", decisions["small"].Shortage, StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_OnlyReplicasAreInItsWay_HoldsNobodyUp() =>
        AssertStarted(Decide([Holder("x", 200), Holder("score", 300, job: "j1")], [Pod("big", cpu: 900, waited: 3600), Pod("small", cpu: 100)]), "small");

    [Fact]
    public void Decide_PodLargerThanTheMachine_HoldsNobodyUp()
    {
        var decisions = Decide([], [Pod("huge", cpu: 2000, waited: 100), Pod("small", cpu: 100)]);

        Assert.NotNull(decisions["huge"].Shortage);
        AssertStarted(decisions, "small");
    }

    [Fact]
    public void Decide_BigPodOfAnApiThatHoldsMuch_HoldsUpNobodyWhoHoldsLess() =>
        AssertStarted(Decide([Holder("x", 700)], [Pod("x-2", "x", cpu: 500, waited: 100), Pod("small", cpu: 100)]), "small");

    [Fact]
    public void Decide_NodeGroups_ThePreferredOneWithRoomIsTaken()
    {
        NodeGroupShare[] groups = [new("low", 1, 500), new("high", 10, 300), new("other", 100, 900)];

        var decisions = Decide([], [Pod("a", cpu: 200, groups: ["low", "high"]), Pod("b", cpu: 200, groups: ["low", "high"]), Pod("c", cpu: 400, groups: ["low", "high"])], groups);

        Assert.Equal(("high", "low"), (decisions["a"].NodeGroup, decisions["b"].NodeGroup));
        Assert.Equal("node group high: not enough cpu: wants 400m, 100m of 300m are free; node group low: not enough cpu: wants 400m, 300m of 500m are free", decisions["c"].Shortage);
    }

    [Fact]
    public void Decide_GroupsOfOnePriority_AreTakenInTheApisOrder()
    {
        NodeGroupShare[] groups = [new("a"), new("b")];

        Assert.Equal("b", Decide([], [Pod("x", cpu: 1, groups: ["b", "a"])], groups)["x"].NodeGroup);
        Assert.Equal("a", Decide([], [Pod("x", cpu: 1)], groups)["x"].NodeGroup);
    }

    [Fact]
    public void Decide_SharesAddUpToMoreThanTheMachine_TheMachineIsTheBound()
    {
        NodeGroupShare[] groups = [new("a", 1, 800), new("b", 1, 800)];

        var decisions = Decide([Holder("x", 700, group: "a")], [Pod("y", cpu: 400, groups: ["b"])], groups);

        Assert.Equal("this machine: not enough cpu: wants 400m, 300m of 1000m are free", decisions["y"].Shortage);
    }

    [Fact]
    public void Decide_GroupIsFull_OthersAreNotHeldUp()
    {
        NodeGroupShare[] groups = [new("a", 1, 500), new("b", 1, 500)];

        var decisions = Decide([Holder("x", 400, job: "j", group: "a")], [Pod("waits", cpu: 300, waited: 100, groups: ["a"]), Pod("small", cpu: 100, groups: ["a"]), Pod("free", cpu: 300, groups: ["b"])], groups);

        AssertStarted(decisions, "free");
        Assert.Contains("kept for waits", decisions["small"].Shortage, StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_GroupHasRoomAndTheMachineHasNot_WhatIsFreeIsKeptEverywhere()
    {
        NodeGroupShare[] groups = [new("a", 1, 800), new("b", 1, 800)];

        var decisions = Decide([Holder("x", 700, job: "j", group: "a")], [Pod("waits", cpu: 400, waited: 100, groups: ["b"]), Pod("small", cpu: 100, groups: ["a"])], groups);

        Assert.Contains("kept for waits", decisions["small"].Shortage, StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_NoneOfItsGroupsIsLeft_SaysSo() =>
        Assert.Contains("none of its node groups (gone)", Decide([], [Pod("a", cpu: 1, groups: ["gone"])], [new("b")])["a"].Shortage, StringComparison.Ordinal);

    [Fact]
    public void Decide_MachineWithoutGroups_NamesAreNotLookedAt()
    {
        var decision = Decide([], [Pod("a", cpu: 1, groups: ["local"])])["a"];

        Assert.Equal((null, null), (decision.NodeGroup, decision.Shortage));
    }

    [Fact]
    public void Take_GroupWasNeverWrittenDown_CountsAgainstOneThatIsAllowed()
    {
        var ledger = new RoomLedger(_machine, [new("a", 10, 100), new("b", 5, 500), new("c", 1, 500)]);

        Assert.Equal("b", ledger.Take(new RoomHolder(new("x", ""), new Room(300, 0, 0), null, null)));
        Assert.Equal("c", ledger.Take(new RoomHolder(new("x", ""), new Room(300, 0, 0), null, ["a", "b", "c"])));
        Assert.Equal("a", ledger.Take(new RoomHolder(new("x", ""), new Room(300, 0, 0), null, ["a"])));
        Assert.Null(ledger.Take(new RoomHolder(new("x", ""), new Room(50, 0, 0), "gone", null)));
        Assert.Equal(950, ledger.Taken.CpuMillis);
        Assert.Equal([300L, 300, 300], ledger.Groups().Select(group => group.CpuMillisReserved));
    }

    [Theory]
    [InlineData(600, "old")]
    [InlineData(601, null)]
    public void Decide_FrozenPodsHoldMemory_NamesTheOldestInTheWay(long memory, string? inTheWay)
    {
        // 1000 in all: 400 computes, 300 stands still, 300 is free.
        var decision = Decide([Holder("a", memory: 400), Holder("b", memory: 200) with { FrozenId = "old" }, Holder("b", memory: 100) with { FrozenId = "young" }], [Pod("c", memory: memory)])["c"];

        Assert.NotNull(decision.Shortage);
        Assert.Equal(inTheWay, decision.WaitsFor);
    }

    [Fact]
    public void Decide_FrozenPodsAreInAnotherGroup_AreNotInTheWay()
    {
        NodeGroupShare[] groups = [new("a", 10, null, 500), new("b", 5, null, 500)];
        RoomHolder[] holders = [Holder("x", memory: 500, group: "a"), Holder("y", memory: 500, group: "b") with { FrozenId = "y" }];

        var decisions = Decide(holders, [Pod("c", memory: 100, groups: ["a"]), Pod("d", memory: 100, groups: ["b"])], groups);

        Assert.Equal((null, "y"), (decisions["c"].WaitsFor, decisions["d"].WaitsFor));
    }

    [Fact]
    public void Decide_GpuIsMissing_NamesThePodThatHoldsOne()
    {
        var decision = Decide([Holder("a", memory: 100) with { FrozenId = "memory" }, Holder("b", memory: 100, gpus: 2) with { FrozenId = "gpus" }], [Pod("c", memory: 100, gpus: 1)])["c"];

        Assert.Equal("gpus", decision.WaitsFor);
    }

    [Fact]
    public void Decide_RoomOfJobsAndFrozenPodsTogetherWouldDo_IsKept()
    {
        // Of 1000, jobs hold 400 and a frozen pod 300; 700 and 600 would not do, 1000 will.
        RoomHolder[] holders = [Holder("job", memory: 400, job: "1"), Holder("b", memory: 300) with { FrozenId = "b" }];

        var decisions = Decide(holders, [Pod("big", memory: 900, waited: 31), Pod("small", memory: 100, waited: 1)]);

        Assert.Contains("kept for big", decisions["small"].Shortage, StringComparison.Ordinal);
    }

    private static RoomRequest Pod(string id, string? api = null, string job = "", long cpu = 0, long memory = 0, long gpus = 0, int waited = 0, string[]? groups = null) =>
        new(id, new RoomOwner(api ?? id, job), new Room(cpu, memory, gpus), TimeSpan.FromSeconds(waited), groups);

    private static RoomHolder Holder(string api, long cpu = 0, long memory = 0, long gpus = 0, string job = "", string? group = null) =>
        new(new RoomOwner(api, job), new Room(cpu, memory, gpus), group, null);

    private static IReadOnlyDictionary<string, RoomDecision> Decide(RoomHolder[] holders, RoomRequest[] waiting, NodeGroupShare[]? groups = null) =>
        RoomRule.Decide(_machine, groups ?? [], holders, waiting, TimeSpan.FromSeconds(30));

    private static void AssertStarted(IReadOnlyDictionary<string, RoomDecision> decisions, params string[] expected) =>
        Assert.Equal(expected.Order(StringComparer.Ordinal), decisions.Where(decision => decision.Value.Shortage is null).Select(decision => decision.Key).Order(StringComparer.Ordinal));
}
