namespace Cortex.Queues.Sqlite.Live;

/// <summary>A queue that exists. What changes is guarded by the lock of <see cref="LiveMessages"/>, but for settings, which the writer alone sets.</summary>
internal sealed class QueueState(int number, string name, int fairnessInterval)
{
    private long _retention;
    private long _retiredAt = -1;
    private volatile OldestMessage? _oldest;

    public int Number => number;

    public string Name => name;

    /// <summary>In milliseconds.</summary>
    public long Retention
    {
        get => Volatile.Read(ref _retention);
        set => Volatile.Write(ref _retention, value);
    }

    /// <summary>When it was taken out of use, in milliseconds of Unix time; null when it is in use.</summary>
    public long? RetiredAt
    {
        get => Volatile.Read(ref _retiredAt) is >= 0 and var at ? at : null;
        set => Volatile.Write(ref _retiredAt, value ?? -1);
    }

    /// <summary>It is deleted; what is left of it has no effect.</summary>
    public bool IsDeleted { get; set; }

    public WaitingLine Line { get; } = new(fairnessInterval);

    public LinkedList<LeaseWaiter> Waiters { get; } = new();

    public int Delayed { get; set; }

    public int Leased { get; set; }

    /// <summary>The oldest message in line and when it was put in, as last looked up.</summary>
    public OldestMessage? Oldest
    {
        get => _oldest;
        set => _oldest = value;
    }
}

/// <summary>When a message was put in, in milliseconds of Unix time.</summary>
internal sealed record OldestMessage(long Sequence, long EnqueuedAt);
