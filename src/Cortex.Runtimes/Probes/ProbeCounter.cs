using Cortex.Core.Specs;

namespace Cortex.Runtimes.Probes;

/// <summary>Turns single results into healthy and unhealthy by the thresholds of a probe. Pure but for its counters.</summary>
/// <param name="probe">Zero thresholds mean Kubernetes' defaults: 1 success, 3 failures.</param>
/// <param name="healthy">What holds before the first result.</param>
/// <param name="proven">Whether that was found out by this process; when not, the first result decides.</param>
internal sealed class ProbeCounter(ProbeSpec probe, bool healthy, bool proven = true)
{
    private readonly int _successes = probe.SuccessThreshold > 0 ? probe.SuccessThreshold : 1;
    private readonly int _failures = probe.FailureThreshold > 0 ? probe.FailureThreshold : 3;
    private bool _last;
    private int _inARow;
    private bool _proven = proven;

    public bool Healthy { get; private set; } = healthy;

    /// <summary>Whether any result was good, or it was healthy to begin with.</summary>
    public bool EverPassed { get; private set; } = healthy;

    /// <summary>Takes one result into account.</summary>
    /// <param name="result">Whether it was good; null changes nothing.</param>
    public void Add(bool? result)
    {
        if (result is not { } passed)
        {
            return;
        }

        _inARow = passed == _last ? _inARow + 1 : 1;
        _last = passed;
        EverPassed |= passed;
        if (_inARow >= (passed ? _successes : _failures) || !_proven)
        {
            Healthy = passed;
        }

        _proven = true;
    }
}
