using Cortex.Core.Specs;

namespace Cortex.Runtimes.Probes;

/// <summary>Repeats one probe until cancelled. Costs a timer, not a thread.</summary>
internal sealed class ProbeLoop(ProbeSpec probe, TimeProvider time, Func<ProbeSpec, CancellationToken, Task<ProbeResult>> check)
{
    /// <summary>Whether it goes on with something that was healthy when it was halted: there is no initial delay, and nothing has to be proven.</summary>
    public bool Resumes { get; init; }

    /// <summary>Whether an earlier process found it healthy: as <see cref="Resumes"/>, but the first check that fails is believed.</summary>
    public bool Inherits { get; init; }

    private bool BeginsHealthy => Resumes || Inherits;

    /// <summary>Checks at a fast pace until the first success, then once per period.</summary>
    /// <param name="changed">Is told whether it is ready and what was wrong last, after every check that changes either.</param>
    /// <param name="cancellationToken">Ends the loop.</param>
    public async Task WatchReadinessAsync(Action<bool, string> changed, CancellationToken cancellationToken)
    {
        var counter = new ProbeCounter(probe, healthy: BeginsHealthy, proven: !Inherits);
        var told = (Healthy: BeginsHealthy, Words: "");
        await DelayAsync(BeginsHealthy ? TimeSpan.Zero : TimeSpan.FromSeconds(probe.InitialDelaySeconds), cancellationToken);
        for (var checks = 0; ; checks++)
        {
            var result = await CheckAsync(cancellationToken);
            counter.Add(result.Passed);
            if (told != (counter.Healthy, result.Words))
            {
                told = (counter.Healthy, result.Words);
                changed(told.Healthy, told.Words);
            }

            await DelayAsync(counter.EverPassed ? ProbePace.Period(probe) : ProbePace.BeforeFirstSuccess(probe, checks), cancellationToken);
        }
    }

    /// <summary>Checks once per period and ends, with what was wrong, when the failure threshold is reached.</summary>
    public async Task<string> WaitForDeathAsync(CancellationToken cancellationToken)
    {
        var counter = new ProbeCounter(probe, healthy: true);
        await DelayAsync(Resumes ? ProbePace.Period(probe) : TimeSpan.FromSeconds(probe.InitialDelaySeconds), cancellationToken);
        while (true)
        {
            var result = await CheckAsync(cancellationToken);
            counter.Add(result.Passed);
            if (!counter.Healthy)
            {
                return result.Words;
            }

            await DelayAsync(ProbePace.Period(probe), cancellationToken);
        }
    }

    private async Task<ProbeResult> CheckAsync(CancellationToken cancellationToken)
    {
        if (probe.Exec is not null)
        {
            // Whoever runs a command bounds it, as he alone can tell the command's time from the engine's.
            return await check(probe, cancellationToken);
        }

        var timeout = ProbePace.Timeout(probe);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            return await check(probe, limit.Token).WaitAsync(timeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            await limit.CancelAsync();
            return ProbeResult.Bad(ProbePace.TooSlow(timeout));
        }
    }

    private Task DelayAsync(TimeSpan delay, CancellationToken cancellationToken) =>
        delay > TimeSpan.Zero ? Task.Delay(delay, time, cancellationToken) : Task.CompletedTask;
}
