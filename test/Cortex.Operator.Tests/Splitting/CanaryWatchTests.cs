using Cortex.Operator.Splitting;

namespace Cortex.Operator.Tests.Splitting;

public sealed class CanaryWatchTests
{
    private static readonly CanaryState State = new(CanaryPhase.Progressing, 2, DateTimeOffset.UnixEpoch, "");

    [Fact]
    public void Read_CountsFromItsStart()
    {
        var watch = new CanaryWatch("id", State, new(1000, 100, 10), 5);

        watch.Read(new(1010, 101, 10));
        watch.Read(new(1030, 101, 12));

        Assert.Equal(new CanaryCounts(30, 1, 2), watch.Step);
        Assert.Equal(new CanaryCounts(30, 1, 2), watch.Recent);
        Assert.True(watch.IsOf("id", State with { }));
        Assert.False(watch.IsOf("id", State with { Step = 1 }));
        Assert.False(watch.IsOf("id", null));
        Assert.False(watch.IsOf("other", State));
    }

    [Fact]
    public void Read_AfterMoreThanTheWindow_ForgetsWhatIsOld()
    {
        var watch = new CanaryWatch("id", State, default, 0);
        for (var i = 1; i <= 100; i++)
        {
            watch.Read(new(i * 10, 5, 0));
        }

        Assert.Equal(new CanaryCounts(1000, 5, 0), watch.Step);
        Assert.Equal(new CanaryCounts(CanaryWatch.RecentReadings * 10, 0, 0), watch.Recent);
    }
}
