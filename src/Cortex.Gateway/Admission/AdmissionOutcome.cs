namespace Cortex.Gateway.Admission;

/// <summary>What became of a request's wish for a slot.</summary>
internal enum AdmissionOutcome
{
    /// <summary>The request holds a slot of a replica and must release it.</summary>
    Granted,

    /// <summary>As many requests wait as may.</summary>
    QueueFull,

    /// <summary>No replica is ready.</summary>
    NoReplica,

    /// <summary>No replica is ready, and the request may wake the API and wait for one.</summary>
    Asleep,

    /// <summary>The request would wait for the API's first replica, and that can't start.</summary>
    CannotStart,

    /// <summary>The request waited for the API's first replica as long as a request may.</summary>
    NotAwakeInTime,

    /// <summary>The request waited as long as a request may.</summary>
    TimedOut,

    /// <summary>The client left while its request waited.</summary>
    ClientLeft,

    /// <summary>The API was removed.</summary>
    ApiRemoved,

    /// <summary>Every ready replica was tried for this request and none could be reached.</summary>
    AllTried,
}
