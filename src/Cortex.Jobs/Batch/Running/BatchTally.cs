using Cortex.Dispatch;

namespace Cortex.Jobs.Batch.Running;

/// <summary>
/// Counts the batches of a job while they end. The queue is what counts: this begins with what the queue holds and follows each batch that became final there, so
/// that a batch is counted once whatever happens to the process.
/// </summary>
internal sealed class BatchTally
{
    private long _remaining;
    private long _failed;
    private long _ends;
    private long _answered;
    private long _timed;
    private long _microseconds;
    private volatile bool _unsure;

    /// <summary>Batches that are not final; only meaningful once <see cref="Set"/>.</summary>
    public long Remaining => Interlocked.Read(ref _remaining);

    /// <summary>Batches that were given up.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Batches that became final since the process began.</summary>
    public long Ends => Interlocked.Read(ref _ends);

    /// <summary>Of these, those that a worker answered.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Batches that succeeded and whose time is known.</summary>
    public long Timed => Interlocked.Read(ref _timed);

    /// <summary>Seconds that they took together.</summary>
    public double Seconds => Interlocked.Read(ref _microseconds) / 1e6;

    /// <summary>Whether the queue has to be asked again, as it was away when a batch ended.</summary>
    public bool IsUnsure => _unsure;

    /// <summary>Begins with times of an earlier process.</summary>
    public void Resume(long timed, double seconds)
    {
        Interlocked.Exchange(ref _timed, timed);
        Interlocked.Exchange(ref _microseconds, (long)(seconds * 1e6));
    }

    /// <summary>Takes over what the queue says. Nothing ends meanwhile.</summary>
    public void Set(long remaining, long failed)
    {
        _unsure = false;
        Interlocked.Exchange(ref _failed, failed);
        Interlocked.Exchange(ref _remaining, remaining);
    }

    /// <summary>Counts a batch that ended. True when somebody should look.</summary>
    public bool Count(MessageEnd end)
    {
        if (end.Fate == MessageFate.Unknown)
        {
            _unsure = true;
            return true;
        }

        Interlocked.Increment(ref _ends);
        if (end.Fate == MessageFate.Completed)
        {
            Interlocked.Increment(ref _timed);
            Interlocked.Add(ref _microseconds, (long)end.Took.TotalMicroseconds);
        }
        else
        {
            Interlocked.Increment(ref _failed);
        }

        if (end.Fate != MessageFate.Lost)
        {
            Interlocked.Increment(ref _answered);
        }

        return Interlocked.Decrement(ref _remaining) <= 0;
    }
}
