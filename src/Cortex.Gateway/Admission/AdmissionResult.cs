namespace Cortex.Gateway.Admission;

/// <summary>The answer to a request's wish for a slot.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Replica">The replica whose slot the request holds; null unless granted.</param>
/// <param name="Reason">Why no replica came, for the client; null when that is not known.</param>
internal readonly record struct AdmissionResult(AdmissionOutcome Outcome, Replica? Replica, string? Reason = null);
