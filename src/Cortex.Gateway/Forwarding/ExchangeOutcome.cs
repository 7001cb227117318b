namespace Cortex.Gateway.Forwarding;

/// <summary>How the forwarding of a request to one replica ended.</summary>
internal enum ExchangeOutcome
{
    /// <summary>The client got the replica's whole answer.</summary>
    Answered,

    /// <summary>The replica has seen nothing of the request; another one may get it.</summary>
    NotDelivered,

    /// <summary>The replica got the request and gave no proper answer; the client got nothing yet.</summary>
    BadAnswer,

    /// <summary>Nothing moved for too long; the client got nothing yet.</summary>
    IdleTooLong,

    /// <summary>The request itself is at fault; the client got nothing yet.</summary>
    BadRequest,

    /// <summary>The client is gone.</summary>
    ClientLeft,

    /// <summary>The answer ended before its end. The client's connection must be broken so that it can tell.</summary>
    BrokenOff,
}

/// <summary>How the forwarding of a request to one replica ended, and why.</summary>
/// <param name="Outcome">How.</param>
/// <param name="Reason">Why, for the log; null when all went well or the client left.</param>
/// <param name="Status">The status code for a bad request.</param>
internal readonly record struct ExchangeResult(ExchangeOutcome Outcome, string? Reason = null, int Status = 0);
