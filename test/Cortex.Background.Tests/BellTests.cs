namespace Cortex.Background.Tests;

public sealed class BellTests
{
    private readonly Bell _bell = new();
    private readonly ManualTime _time = new();

    [Fact]
    public async Task WaitAsync_RungBefore_EndsAtOnce()
    {
        _bell.Ring();

        await _bell.WaitAsync(CancellationToken.None).WithinLimit();
    }

    [Fact]
    public async Task WaitAsync_RungLater_EndsThen()
    {
        var waiting = _bell.WaitAsync(CancellationToken.None);
        Assert.False(waiting.IsCompleted);

        _bell.Ring();

        await waiting.WithinLimit();
    }

    [Fact]
    public async Task WaitAsync_RungOften_IsHeardOnce()
    {
        _bell.Ring();
        _bell.Ring();

        Assert.True(await _bell.WaitAsync(TimeSpan.Zero, _time, CancellationToken.None));
        Assert.False(await _bell.WaitAsync(TimeSpan.Zero, _time, CancellationToken.None));
    }

    [Fact]
    public async Task Reset_Rung_IsForgotten()
    {
        _bell.Ring();
        _bell.Reset();

        Assert.False(await _bell.WaitAsync(TimeSpan.Zero, _time, CancellationToken.None));
    }

    [Fact]
    public async Task WaitAsync_TimeIsUp_IsFalse()
    {
        var waiting = _bell.WaitAsync(TimeSpan.FromSeconds(5), _time, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(waiting.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.False(await waiting.WithinLimit());
    }

    [Fact]
    public async Task WaitAsync_FractionOfAMillisecond_WaitsForOne()
    {
        var waiting = _bell.WaitAsync(TimeSpan.FromMicroseconds(1), _time, CancellationToken.None);

        Assert.Equal(TimeSpan.FromMilliseconds(1), await _time.NextTimerAsync());
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(await waiting.WithinLimit());
    }

    [Fact]
    public async Task WaitAsync_RungAfterAWaitThatWasOver_IsHeardByTheNext()
    {
        Assert.False(await _bell.WaitAsync(TimeSpan.Zero, _time, CancellationToken.None));

        _bell.Ring();

        Assert.True(await _bell.WaitAsync(TimeSpan.FromSeconds(1), _time, CancellationToken.None).WithinLimit());
    }

    [Fact]
    public async Task WaitAsync_Cancelled_ThrowsAndLeavesTheRingToTheNext()
    {
        using var cancel = new CancellationTokenSource();
        var plain = _bell.WaitAsync(cancel.Token);
        var timed = _bell.WaitAsync(Timeout.InfiniteTimeSpan, _time, cancel.Token);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => plain.WithinLimit());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => timed.WithinLimit());
        _bell.Ring();

        Assert.True(await _bell.WaitAsync(TimeSpan.Zero, _time, CancellationToken.None));
    }
}
