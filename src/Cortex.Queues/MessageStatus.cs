namespace Cortex.Queues;

/// <summary>Where a message is. The last three are final, but a failed or cancelled one can be put back.</summary>
public enum MessageStatus
{
    /// <summary>In the queue, perhaps not before a certain time.</summary>
    Waiting = 0,

    /// <summary>Somebody works on it.</summary>
    Leased = 1,

    /// <summary>Done, with a result.</summary>
    Completed = 2,

    /// <summary>Given up after its last attempt. The payload is kept.</summary>
    Failed = 3,

    /// <summary>Cancelled. The payload is kept.</summary>
    Cancelled = 4,
}
