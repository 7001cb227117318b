namespace Cortex.Background.Tests;

public sealed class SteadyTimeTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void GetUtcNow_ClockIsSetBack_GoesOnFromThere()
    {
        var steady = new SteadyTime(_time);
        var before = steady.GetUtcNow();

        _time.Jump(TimeSpan.FromHours(-1));
        Assert.Equal(before, steady.GetUtcNow());
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(before.AddSeconds(5), steady.GetUtcNow());
    }

    [Fact]
    public void GetUtcNow_ClockIsSetForward_Follows()
    {
        var steady = new SteadyTime(_time);
        var before = steady.GetUtcNow();

        _time.Jump(TimeSpan.FromHours(1));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(before.AddHours(1).AddSeconds(5), steady.GetUtcNow());

        _time.Jump(TimeSpan.FromHours(-2));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(before.AddHours(1).AddSeconds(10), steady.GetUtcNow());
    }
}
