namespace Cortex.Operator.Splitting;

/// <summary>One state of one canary under watch: what its target got since that began, and lately. It is forgotten with the process; then the step is watched anew.</summary>
/// <param name="apiId">The version of the splitter.</param>
/// <param name="state">The state.</param>
/// <param name="start">What the gateway had counted when the watch began.</param>
/// <param name="timestamp">When that was.</param>
internal sealed class CanaryWatch(string apiId, CanaryState state, CanaryCounts start, long timestamp)
{
    /// <summary>Readings that "lately" looks back, taken about every second.</summary>
    public const int RecentReadings = 60;

    private readonly Queue<CanaryCounts> _readings = new([start]);

    /// <summary>When the watch began.</summary>
    public long Timestamp => timestamp;

    /// <summary>What the target got since the watch began, at the last reading.</summary>
    public CanaryCounts Step { get; private set; }

    /// <summary>What the target got in the last <see cref="RecentReadings"/> readings.</summary>
    public CanaryCounts Recent { get; private set; }

    /// <summary>Whether it watches that state of that version.</summary>
    public bool IsOf(string otherApiId, CanaryState? otherState) => apiId == otherApiId && state == otherState;

    /// <summary>Takes a reading.</summary>
    public void Read(CanaryCounts counts)
    {
        Step = counts.Since(start);
        Recent = counts.Since(_readings.Peek());
        _readings.Enqueue(counts);
        if (_readings.Count > RecentReadings)
        {
            _readings.Dequeue();
        }
    }
}
