using Cortex.Gateway.Admission;
using Cortex.Routing;

namespace Cortex.Gateway.Splitting;

/// <summary>One target of a splitter. Immutable but for its counters.</summary>
/// <param name="Target">As the snapshot has it.</param>
/// <param name="Gate">The target's gate; null when the snapshot has no such API.</param>
/// <param name="Counters">Its counters in this splitter.</param>
/// <param name="SlowAfter">Requests that take longer are slow; null for none.</param>
internal sealed record SplitBranch(SplitTarget Target, ApiGate? Gate, SplitCounters Counters, TimeSpan? SlowAfter)
{
    /// <summary>The hash of its name, for sticky choices.</summary>
    public ulong Hash { get; } = StickyHash.Of(Target.Api);

    /// <summary>Counts a request that is over.</summary>
    /// <param name="status">The status code that the client got; 0 when it left or its answer broke off.</param>
    /// <param name="brokeOff">Whether its answer broke off.</param>
    /// <param name="elapsed">From its arrival to the end of its answer.</param>
    public void Record(int status, bool brokeOff, TimeSpan elapsed)
    {
        const int SwitchingProtocols = 101;   // a tunnel lasts as long as its ends want
        Counters.Record(brokeOff || status >= 500, elapsed > SlowAfter && status != SwitchingProtocols);
    }

    /// <summary>
    /// Counts a request whose client left before any answer came: as slow when it waited for longer than it should have, else not at
    /// all. It says nothing good of the target, which may answer nobody.
    /// </summary>
    /// <param name="waited">From its arrival until its client left.</param>
    public void RecordUnanswered(TimeSpan waited)
    {
        if (waited > SlowAfter)
        {
            Counters.Record(failed: false, slow: true);
        }
    }
}
