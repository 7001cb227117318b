namespace Cortex.Gateway.Counting;

/// <summary>Why the gateway turned a request away.</summary>
internal enum RejectReason
{
    /// <summary>As many requests wait as may.</summary>
    QueueFull,

    /// <summary>No replica is ready.</summary>
    NoReplica,

    /// <summary>The request waited too long.</summary>
    QueueTimeout,

    /// <summary>No replica could be reached.</summary>
    Unreachable,

    /// <summary>It would have waited for the API's first replica, and that can't start.</summary>
    CannotStart,

    /// <summary>It waited too long for the API's first replica.</summary>
    WakeTimeout,
}
