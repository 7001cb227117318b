using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Tests.Supervision;

public sealed class DeadlineTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Left_ClockIsSet_IsTheSame()
    {
        var deadline = Deadline.After(TimeSpan.FromSeconds(30), _time);
        _time.Advance(TimeSpan.FromSeconds(10));

        _time.Jump(-TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.FromSeconds(20), deadline.Left(_time));

        _time.Jump(TimeSpan.FromHours(9));
        Assert.Equal(TimeSpan.FromSeconds(20), deadline.Left(_time));
        _time.Advance(TimeSpan.FromSeconds(21));
        Assert.Equal(TimeSpan.Zero, deadline.Left(_time));
        Assert.True(Deadline.Never.Left(_time) > TimeSpan.FromDays(1000));
    }
}
