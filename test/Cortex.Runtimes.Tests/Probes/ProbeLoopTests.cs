using Cortex.Core.Specs;
using Cortex.Runtimes.Probes;

namespace Cortex.Runtimes.Tests.Probes;

public sealed class ProbeLoopTests
{
    private readonly ManualTime _time = new();
    private readonly List<(double At, bool Passed)> _checks = [];
    private readonly List<bool> _told = [];
    private readonly DateTimeOffset _began;

    public ProbeLoopTests()
    {
        _began = _time.GetUtcNow();

        // Without a context the loop goes on within the call that moves the clock.
        SynchronizationContext.SetSynchronizationContext(null);
    }

    private static ProbeSpec Probe => new() { TcpSocket = new TcpSocketSpec(80) };

    [Fact]
    public void Add_Thresholds_DecideExactly()
    {
        var counter = new ProbeCounter(Probe with { SuccessThreshold = 2, FailureThreshold = 3 }, healthy: false);

        bool[] results = [true, true, false, false, true, false, false, false];
        bool[] healthy = [.. results.Select(passed =>
        {
            counter.Add(passed);
            return counter.Healthy;
        })];

        Assert.Equal([false, true, true, true, true, true, true, false], healthy);
    }

    [Fact]
    public void Add_ZeroThresholds_MeanOneAndThree()
    {
        var counter = new ProbeCounter(Probe with { SuccessThreshold = 0, FailureThreshold = 0 }, healthy: false);

        counter.Add(true);
        Assert.True(counter.Healthy);
        counter.Add(false);
        counter.Add(false);
        Assert.True(counter.Healthy);
        counter.Add(false);
        Assert.False(counter.Healthy);
    }

    [Fact]
    public async Task WatchReadinessAsync_BeforeAndAfterTheFirstSuccess_ChecksFastThenPerPeriod()
    {
        using var stop = new CancellationTokenSource();
        var passes = false;
        var loop = new ProbeLoop(Probe with { InitialDelaySeconds = 2, PeriodSeconds = 5 }, _time, (_, _) => Note(passes));
        var watching = loop.WatchReadinessAsync((ready, _) => _told.Add(ready), stop.Token);

        Step(TimeSpan.FromSeconds(1.9));
        Assert.Empty(_checks);
        Step(TimeSpan.FromSeconds(10.1), TimeSpan.FromMilliseconds(5));
        var gaps = _checks.Zip(_checks.Skip(1), (a, b) => b.At - a.At).ToList();
        Assert.InRange(gaps[0], 0.004, 0.011);
        Assert.InRange(gaps[^1], 0.99, 1.02);
        Assert.Equal(gaps.Order(), gaps, (a, b) => Math.Abs(a - b) < 0.006);

        passes = true;
        Step(TimeSpan.FromSeconds(1.1), TimeSpan.FromMilliseconds(5));
        Assert.True(_told[^1]);
        var checks = _checks.Count;
        Step(TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(500));
        Assert.InRange(_checks.Count - checks, 3, 4);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
    }

    [Fact]
    public async Task WatchReadinessAsync_Resumes_LooksAtOnceAndDoubtsOnlyAfterTheThreshold()
    {
        using var stop = new CancellationTokenSource();
        var loop = new ProbeLoop(Probe with { InitialDelaySeconds = 60, PeriodSeconds = 5, FailureThreshold = 3 }, _time, (_, _) => Note(false)) { Resumes = true };

        var watching = loop.WatchReadinessAsync((ready, _) => _told.Add(ready), stop.Token);
        Assert.Single(_checks);
        Step(TimeSpan.FromSeconds(9.5), TimeSpan.FromMilliseconds(500));
        Assert.DoesNotContain(false, _told);
        Step(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(500));

        Assert.False(_told[^1]);
        Assert.Equal(3, _checks.Count);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
    }

    [Fact]
    public void WaitForDeathAsync_Resumes_GivesItAPeriodFirst()
    {
        var loop = new ProbeLoop(Probe with { PeriodSeconds = 5, FailureThreshold = 1 }, _time, (_, _) => Note(false)) { Resumes = true };

        var death = loop.WaitForDeathAsync(TestContext.Current.CancellationToken);
        Step(TimeSpan.FromSeconds(4.5), TimeSpan.FromMilliseconds(500));
        Assert.False(death.IsCompleted);
        Step(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(500));

        Assert.True(death.IsCompleted);
    }

    [Fact]
    public async Task WaitForDeathAsync_FailureThreshold_EndsWithWhatWasWrong()
    {
        var loop = new ProbeLoop(Probe with { PeriodSeconds = 5, FailureThreshold = 3 }, _time, (_, _) => Note(false));

        var death = loop.WaitForDeathAsync(TestContext.Current.CancellationToken);
        Step(TimeSpan.FromSeconds(9.5), TimeSpan.FromMilliseconds(500));
        Assert.False(death.IsCompleted);
        Step(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(500));

        Assert.Equal("refused", await death.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken));
        Assert.Equal(3, _checks.Count);
    }

    [Fact]
    public async Task WatchReadinessAsync_Inherits_LooksAtOnceAndBelievesTheFirstFailure()
    {
        using var stop = new CancellationTokenSource();
        var passes = true;
        var loop = new ProbeLoop(Probe with { InitialDelaySeconds = 60, PeriodSeconds = 5, FailureThreshold = 3 }, _time, (_, _) => Note(passes)) { Inherits = true };

        var watching = loop.WatchReadinessAsync((ready, _) => _told.Add(ready), stop.Token);
        Assert.Single(_checks);
        Assert.Empty(_told);

        // Once it has passed, the threshold holds.
        passes = false;
        Step(TimeSpan.FromSeconds(10));
        Assert.DoesNotContain(false, _told);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);

        using var again = new CancellationTokenSource();
        watching = new ProbeLoop(Probe with { FailureThreshold = 3 }, _time, (_, _) => Note(false)) { Inherits = true }
            .WatchReadinessAsync((ready, _) => _told.Add(ready), again.Token);
        Assert.False(_told[^1]);
        await again.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
    }

    [Fact]
    public async Task Checks_ThatCannotBeMade_ChangeNothing()
    {
        using var stop = new CancellationTokenSource();
        var result = ProbeResult.Good;
        var probe = Probe with { PeriodSeconds = 1, FailureThreshold = 2 };
        var watching = new ProbeLoop(probe, _time, (_, _) => Task.FromResult(result)).WatchReadinessAsync((ready, _) => _told.Add(ready), stop.Token);
        var death = new ProbeLoop(probe, _time, (_, _) => Task.FromResult(result)).WaitForDeathAsync(stop.Token);
        Assert.Equal([true], _told);

        result = ProbeResult.None("Docker does not answer");
        Step(TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(500));
        Assert.DoesNotContain(false, _told);
        Assert.False(death.IsCompleted);

        result = ProbeResult.Bad("refused");
        Step(TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(500));
        Assert.False(_told[^1]);
        Assert.Equal("refused", await death.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
    }

    private Task<ProbeResult> Note(bool passed)
    {
        _checks.Add(((_time.GetUtcNow() - _began).TotalSeconds, passed));
        return Task.FromResult(passed ? ProbeResult.Good : ProbeResult.Bad("refused"));
    }

    private void Step(TimeSpan by, TimeSpan? step = null)
    {
        for (var left = by; left > TimeSpan.Zero; left -= step ?? by)
        {
            _time.Advance(step ?? by);
        }
    }
}
