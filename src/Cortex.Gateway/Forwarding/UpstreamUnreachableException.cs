namespace Cortex.Gateway.Forwarding;

/// <summary>A replica could not be reached; it has seen nothing of the request.</summary>
internal sealed class UpstreamUnreachableException(string message, Exception? inner) : IOException(message, inner);
