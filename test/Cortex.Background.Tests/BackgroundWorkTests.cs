using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Cortex.Background.Tests;

public sealed class BackgroundWorkTests
{
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(30);

    private readonly ManualTime _time = new();
    private readonly RecordingLogger _log = new();

    [Fact]
    public async Task StartLoop_ErrorOfAnyKind_BeginsAnewAfterAPause()
    {
        await using var background = new BackgroundWork(_log, _time);
        var runs = new Rounds();
        background.StartLoop("the loop", async stop =>
        {
            runs.Add();
            await Task.Yield();
            throw runs.Count switch
            {
                1 => new IOException("No space left on device"),
                2 => new OperationCanceledException("of somebody else"),
                3 => new ObjectDisposedException("store"),
                _ => new InvalidOperationException("a bug"),
            };
        });

        for (var run = 1; run <= 5; run++)
        {
            await runs.AtLeastAsync(run);
            await _time.AdvanceAtTimerAsync(TimeSpan.FromSeconds(38));
        }

        Assert.Contains("the loop ended by an error; it begins anew in", _log.Lines.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartLoop_LoggerThatThrows_BeginsAnew()
    {
        _log.Error = new IOException("No space left on device");
        await using var background = new BackgroundWork(_log, _time);
        var runs = new Rounds();
        background.StartLoop("the loop", _ =>
        {
            runs.Add();
            throw new IOException("disk");
        });

        await runs.AtLeastAsync(1);
        await _time.AdvanceAtTimerAsync(TimeSpan.FromSeconds(2));
        await runs.AtLeastAsync(2);
    }

    [Fact]
    public async Task StartLoop_FailsAtOnceAgainAndAgain_PausesGrowToHalfAMinute()
    {
        await using var background = new BackgroundWork(_log, _time);
        var runs = new Rounds();
        background.StartLoop("the loop", _ =>
        {
            runs.Add();
            throw new IOException("disk");
        });
        List<double> pauses = [];
        for (var run = 1; run <= 8; run++)
        {
            await runs.AtLeastAsync(run);
            var left = await _time.NextTimerAsync();
            pauses.Add(left.TotalSeconds);
            _time.Advance(left);
        }

        Assert.InRange(pauses[0], 0.8, 1.2);
        Assert.InRange(pauses[3], 6.4, 9.6);
        Assert.All(pauses[5..], pause => Assert.InRange(pause, 24, 36));
    }

    [Fact]
    public async Task StartLoop_FailsAfterALongTime_PauseIsShortAgain()
    {
        await using var background = new BackgroundWork(_log, _time);
        var runs = new Rounds();
        var later = new TaskCompletionSource();
        background.StartLoop("the loop", async _ =>
        {
            runs.Add();
            if (runs.Count == 6)
            {
                await later.Task;
            }

            throw new IOException("disk");
        });
        for (var run = 1; run <= 5; run++)
        {
            await runs.AtLeastAsync(run);
            _time.Advance(await _time.NextTimerAsync());
        }

        await runs.AtLeastAsync(6);
        _time.Advance(TimeSpan.FromMinutes(2));
        later.SetResult();

        Assert.InRange((await _time.NextTimerAsync()).TotalSeconds, 0.8, 1.2);
    }

    [Fact]
    public async Task StartLoop_Returns_HasEnded()
    {
        await using var background = new BackgroundWork(_log, _time);

        background.StartLoop("the loop", _ => Task.CompletedTask);
        await background.WhenIdleAsync(CancellationToken.None).WaitAsync(_bound);

        Assert.True(background.IsIdle);
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task Start_Error_IsLogged()
    {
        await using var background = new BackgroundWork(_log, _time);

        background.Start("freeing room", _ => throw new IOException("disk"));
        await background.WhenIdleAsync(CancellationToken.None).WaitAsync(_bound);

        Assert.Equal(["freeing room failed."], _log.Lines);
        Assert.True(background.IsIdle);
    }

    [Fact]
    public async Task DisposeAsync_Running_TellsAndWaits()
    {
        var background = new BackgroundWork(_log, _time);
        var began = new Rounds();
        var mayEnd = new TaskCompletionSource();
        var toldBefore = false;
        background.Start("work", async stop =>
        {
            began.Add();
            await mayEnd.Task;
            toldBefore = stop.IsCancellationRequested;
        });
        background.StartLoop("loop", stop =>
        {
            began.Add();
            return Task.Delay(Timeout.InfiniteTimeSpan, _time, stop);
        });
        await began.AtLeastAsync(2);

        var ending = background.DisposeAsync().AsTask();
        Assert.False(ending.IsCompleted);
        mayEnd.SetResult();
        await ending.WaitAsync(_bound);

        Assert.True(toldBefore);
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task DisposeAsync_WorkThatDoesNotListen_IsNamedAndLeft()
    {
        var background = new BackgroundWork(_log, _time);
        var began = new Rounds();
        background.Start("the deaf one", _ =>
        {
            began.Add();
            return new TaskCompletionSource().Task;
        });
        await began.AtLeastAsync(1);

        var ending = background.DisposeAsync().AsTask();
        await _time.AdvanceAtTimerAsync(TimeSpan.FromSeconds(30));
        await ending.WaitAsync(_bound);

        Assert.Equal(["the deaf one did not end when it was told to; it is left behind."], _log.Lines);
    }

    [Fact]
    public async Task DisposeAsync_LoopThatPausesAfterAnError_EndsAtOnce()
    {
        var background = new BackgroundWork(_log, _time);
        background.StartLoop("the loop", _ => throw new IOException("disk"));
        await _time.NextTimerAsync();

        await background.DisposeAsync().AsTask().WaitAsync(_bound);

        Assert.True(background.IsIdle);
    }

    [SuppressMessage("Design", "CA1001", Justification = "Without a wait handle the semaphore holds nothing.")]
    private sealed class Rounds
    {
        private readonly SemaphoreSlim _more = new(0);
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Add()
        {
            Interlocked.Increment(ref _count);
            _more.Release();
        }

        public async Task AtLeastAsync(int count)
        {
            while (Count < count)
            {
                Assert.True(await _more.WaitAsync(_bound), $"only {Count} of {count} rounds");
            }
        }
    }

    private sealed class RecordingLogger : ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> Lines => _lines;

        public Exception? Error { get; set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            _lines.Enqueue(formatter(state, exception));
            if (Error is { } error)
            {
                throw error;
            }
        }
    }
}
