using System.Net;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Tests.Docker;

public sealed class EnginePaceTests
{
    private readonly ManualTime _time = new();
    private readonly List<TaskCompletionSource> _calls = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunAsync_MoreThanTheBound_Wait()
    {
        var pace = new EnginePace(2, _time);
        var runs = Enumerable.Range(0, 4).Select(_ => CallAsync(pace)).ToList();
        Assert.Equal(2, _calls.Count);

        _calls[0].SetResult();
        await runs[0];
        await UntilAsync(3);

        _calls[1].SetException(new EngineException(HttpStatusCode.Conflict, "no"));
        await Assert.ThrowsAsync<EngineException>(() => runs[1]);
        await UntilAsync(4);
        Calls().ForEach(call => call.TrySetResult());
        await Task.WhenAll(runs[2..]);
        Assert.Equal(2, pace.Limit);
    }

    [Fact]
    public async Task RunAsync_SlowCalls_HalveTheBoundOnceAndPassTheirPlacesOn()
    {
        var pace = new EnginePace(8, _time);
        var runs = Enumerable.Range(0, 20).Select(_ => CallAsync(pace)).ToList();
        Assert.Equal(8, _calls.Count);

        _time.Advance(EnginePace.Slow);
        await Eventually.TrueAsync(() => Task.FromResult(pace.Limit == 4), "it is halved");
        await UntilAsync(12);

        // Those that the engine never answers for do not keep the others waiting for ever.
        await AdvanceAsync(pace, limit: 2);
        await UntilAsync(14);
        for (var at = 12; at < 20; at++)
        {
            await UntilAsync(at + 1);
            Calls()[at].SetResult();
        }

        await Task.WhenAll(runs[12..]);   // in whatever order: whose turn has come begins on another thread

        Assert.InRange(pace.Limit, 3, 5);
        for (var i = 0; i < 60; i++)
        {
            var run = CallAsync(pace);
            Calls()[^1].SetResult();
            await run;
        }

        Assert.Equal(8, pace.Limit);
        Calls().ForEach(call => call.TrySetResult());
        await Task.WhenAll(runs);
    }

    [Fact]
    public async Task RunAsync_NoAnswerAtAll_AsksForOneAtATime()
    {
        var pace = new EnginePace(16, _time);
        var runs = Enumerable.Range(0, 40).Select(_ => CallAsync(pace)).ToList();

        await AdvanceAsync(pace, limit: 1);

        lock (_calls)
        {
            Assert.InRange(_calls.Count, 16 + 8 + 4 + 2, 16 + 8 + 4 + 2 + 1);
        }

        Calls().ForEach(call => call.TrySetException(new RuntimeUnavailableException("gone")));
        await Assert.ThrowsAsync<RuntimeUnavailableException>(() => runs[0]);
    }

    [Fact]
    public async Task RunAsync_CancelledInLine_LeavesIt()
    {
        var pace = new EnginePace(1, _time);
        var first = CallAsync(pace);
        using var leave = new CancellationTokenSource();
        var second = CallAsync(pace, leave.Token);
        var third = CallAsync(pace);

        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Single(_calls);
        _calls[0].SetResult();
        await first;
        await UntilAsync(2);
        _calls[1].SetResult();
        await third;
    }

    private Task CallAsync(EnginePace pace, CancellationToken? cancellationToken = null) => pace.RunAsync(
        () =>
        {
            var call = new TaskCompletionSource();
            lock (_calls)
            {
                _calls.Add(call);
            }

            return call.Task;
        }, cancellationToken ?? Cancel);

    // Those that follow begin while these end.
    private List<TaskCompletionSource> Calls()
    {
        lock (_calls)
        {
            return [.. _calls];
        }
    }

    // In small steps, as calls whose turn has come begin on other threads.
    private Task AdvanceAsync(EnginePace pace, int limit) => Eventually.TrueAsync(
        () =>
        {
            if (pace.Limit == limit)
            {
                return Task.FromResult(true);
            }

            _time.Advance(EnginePace.Slow / 20);
            return Task.FromResult(false);
        }, $"the bound is {limit}");

    private Task UntilAsync(int calls) => Eventually.TrueAsync(
        () =>
        {
            lock (_calls)
            {
                return Task.FromResult(_calls.Count >= calls);
            }
        }, $"{calls} calls have been made");
}
