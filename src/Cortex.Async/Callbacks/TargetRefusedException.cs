namespace Cortex.Async.Callbacks;

/// <summary>The callback's host leads to an address that must not be called.</summary>
internal sealed class TargetRefusedException(string message) : IOException(message);
