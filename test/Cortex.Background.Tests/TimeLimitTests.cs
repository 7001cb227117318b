namespace Cortex.Background.Tests;

public sealed class TimeLimitTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Token_TimeIsUp_IsOver()
    {
        using var limit = new TimeLimit(TimeSpan.FromSeconds(5), _time, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(4.999));
        Assert.False(limit.Token.IsCancellationRequested);

        _time.Advance(TimeSpan.FromSeconds(0.001));

        Assert.True(limit.Token.IsCancellationRequested);
        Assert.True(limit.IsOver);
    }

    [Fact]
    public void Token_OuterIsCancelled_IsNotOver()
    {
        using var outer = new CancellationTokenSource();
        using var limit = new TimeLimit(TimeSpan.FromSeconds(5), _time, outer.Token);

        outer.Cancel();

        Assert.True(limit.Token.IsCancellationRequested);
        Assert.False(limit.IsOver);
    }

    [Fact]
    public void Restart_BeforeTheEnd_CountsFromNow()
    {
        using var limit = new TimeLimit(Timeout.InfiniteTimeSpan, _time, CancellationToken.None);
        _time.Advance(TimeSpan.FromHours(1));
        limit.Restart(TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(4));
        limit.Restart(TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(limit.IsOver);

        limit.Restart(Timeout.InfiniteTimeSpan);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(limit.IsOver);

        limit.End();
        Assert.True(limit.IsOver);
    }
}
