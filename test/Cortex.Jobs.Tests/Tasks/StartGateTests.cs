using Cortex.Jobs.Tasks;
using Cortex.Jobs.Tests.Support;

namespace Cortex.Jobs.Tests.Tasks;

public sealed class StartGateTests
{
    [Fact]
    public void Enter_NothingElse_LetsIn() => Assert.Null(Gate().Enter("a"));

    [Fact]
    public void Enter_ApiAtItsCap_HoldsItBackAndNotOthers()
    {
        var gate = Gate(cap: name => name == "a" ? 1 : null);
        gate.Add("a", StartPhase.Started);

        Assert.Contains("max_concurrent", gate.Enter("a"), StringComparison.Ordinal);
        Assert.Null(gate.Enter("b"));
    }

    [Fact]
    public void Enter_CountsWhatItLetIn()
    {
        var gate = Gate(cap: _ => 2);

        Assert.Null(gate.Enter("a"));
        Assert.Null(gate.Enter("a"));
        Assert.NotNull(gate.Enter("a"));
    }

    [Fact]
    public void Enter_ClusterAtItsCap_HoldsBack()
    {
        var gate = Gate(maxConcurrent: 2);
        gate.Add("a", StartPhase.Started);
        gate.Add("b", StartPhase.Started);

        Assert.Contains("jobs.max_concurrent", gate.Enter("c"), StringComparison.Ordinal);
    }

    [Fact]
    public void Enter_ManyStarting_HoldsBack()
    {
        var gate = Gate(parallelStarts: 2);
        gate.Add("a", StartPhase.Starting);
        gate.Add("a", StartPhase.Started);

        Assert.Null(gate.Enter("a"));
        Assert.Contains("being started", gate.Enter("a"), StringComparison.Ordinal);
    }

    [Fact]
    public void Enter_ManyWaitForRoom_HoldsBackThatApiAlone()
    {
        var gate = Gate(parallelStarts: 1);
        gate.Add("a", StartPhase.WaitingForRoom);

        Assert.Contains("room", gate.Enter("a"), StringComparison.Ordinal);
        Assert.Null(gate.Enter("b"));
    }

    [Fact]
    public void Order_IsByPriorityThenBySubmission()
    {
        var first = Some.Job("0000000000000009");
        var second = Some.Job("0000000000000008");
        var urgent = Some.Job("0000000000000001") with { Priority = 5 };

        Assert.Equal([urgent, first, second], new[] { second, urgent, first }.Order(StartOrder.Instance));
    }

    private static StartGate Gate(int maxConcurrent = 100, int parallelStarts = 8, Func<string, int?>? cap = null) =>
        new(new StartLimits(maxConcurrent, parallelStarts), cap ?? (_ => null));
}
