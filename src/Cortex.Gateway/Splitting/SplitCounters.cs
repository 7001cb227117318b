namespace Cortex.Gateway.Splitting;

/// <summary>What became of the requests that one target of a splitter got through it. Kept while the splitter names the target.</summary>
internal sealed class SplitCounters
{
    private long _requests;
    private long _errors;
    private long _slow;
    private long _dropped;

    /// <summary>Finished requests; for a shadow, copies that were sent to it.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Those of them that failed by the target's fault.</summary>
    public long Errors => Interlocked.Read(ref _errors);

    /// <summary>Those of them that took longer than they should.</summary>
    public long Slow => Interlocked.Read(ref _slow);

    /// <summary>Copies that were not sent to a shadow.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Counts a request that is over.</summary>
    public void Record(bool failed, bool slow)
    {
        // Faults first: who reads meanwhile must not see a request without its fault, as that would look better than it is.
        if (failed)
        {
            Interlocked.Increment(ref _errors);
        }

        if (slow)
        {
            Interlocked.Increment(ref _slow);
        }

        Interlocked.Increment(ref _requests);
    }

    /// <summary>Counts a copy that was not sent.</summary>
    public void RecordDropped() => Interlocked.Increment(ref _dropped);
}
