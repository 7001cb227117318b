namespace Cortex.Queues.Postgres.Writing;

/// <summary>What a commit changed, for those who wait for such changes here and in other processes.</summary>
internal sealed class BatchEffect
{
    /// <summary>Operations that did what they were to do.</summary>
    public HashSet<Operation> Done { get; } = [];

    /// <summary>Enqueues that found an earlier message with their key.</summary>
    public Dictionary<EnqueueOperation, EnqueueResult> Found { get; } = [];

    /// <summary>Queues in which something can be leased now.</summary>
    public HashSet<int> Work { get; } = [];

    /// <summary>When the first message that was put in with a delay is due; 0 for none.</summary>
    public long FirstDue { get; private set; }

    /// <summary>Messages that became final.</summary>
    public List<long> Finished { get; } = [];

    /// <summary>Messages that were taken from whoever may have held them.</summary>
    public List<long> Revoked { get; } = [];

    /// <summary>Blobs that belong to nothing any more.</summary>
    public List<string> Blobs { get; } = [];

    /// <summary>Notes a message that is in line now, or will be.</summary>
    public void Deferred(int queue, long due)
    {
        if (due == 0)
        {
            Work.Add(queue);
        }
        else
        {
            FirstDue = FirstDue == 0 ? due : Math.Min(FirstDue, due);
        }
    }
}
