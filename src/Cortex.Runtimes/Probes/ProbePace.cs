using Cortex.Core.Specs;

namespace Cortex.Runtimes.Probes;

/// <summary>How long to wait between two checks. Pure.</summary>
internal static class ProbePace
{
    private static readonly TimeSpan _most = TimeSpan.FromSeconds(1);

    /// <summary>The regular distance; zero means Kubernetes' default of 10 s.</summary>
    public static TimeSpan Period(ProbeSpec probe) => TimeSpan.FromSeconds(probe.PeriodSeconds > 0 ? probe.PeriodSeconds : 10);

    /// <summary>One check's limit; zero means Kubernetes' default of 1 s.</summary>
    public static TimeSpan Timeout(ProbeSpec probe) => TimeSpan.FromSeconds(probe.TimeoutSeconds > 0 ? probe.TimeoutSeconds : 1);

    /// <summary>What is said of a check that had no result within its limit.</summary>
    public static string TooSlow(TimeSpan timeout) => $"no answer within {timeout.TotalSeconds:0} s";

    /// <summary>
    /// The distance before anything has passed: short at first, so that a quick container is ready at once, and growing,
    /// so that a slow one costs little. A command costs more than a connection, so it begins slower.
    /// </summary>
    /// <param name="probe">The probe.</param>
    /// <param name="checks">Checks made so far.</param>
    public static TimeSpan BeforeFirstSuccess(ProbeSpec probe, int checks)
    {
        var period = Period(probe);
        var most = period < _most ? period : _most;
        var growing = TimeSpan.FromMilliseconds((probe.Exec is null ? 5 : 100) * Math.Pow(1.25, Math.Min(checks, 40)));
        return growing < most ? growing : most;
    }
}
