using Cortex.Core.Specs;

namespace Cortex.Runtimes.Probes;

/// <summary>Turns single results into healthy and unhealthy by the thresholds of a probe. Pure but for its counters.</summary>
/// <param name="probe">Zero thresholds mean Kubernetes' defaults: 1 success, 3 failures.</param>
/// <param name="healthy">What holds before the first result.</param>
internal sealed class ProbeCounter(ProbeSpec probe, bool healthy)
{
    private readonly int _successes = probe.SuccessThreshold > 0 ? probe.SuccessThreshold : 1;
    private readonly int _failures = probe.FailureThreshold > 0 ? probe.FailureThreshold : 3;
    private bool _last;
    private int _inARow;

    public bool Healthy { get; private set; } = healthy;

    /// <summary>Whether any result was good, or it was healthy to begin with.</summary>
    public bool EverPassed { get; private set; } = healthy;

    public void Add(bool passed)
    {
        _inARow = passed == _last ? _inARow + 1 : 1;
        _last = passed;
        EverPassed |= passed;
        if (_inARow >= (passed ? _successes : _failures))
        {
            Healthy = passed;
        }
    }
}
