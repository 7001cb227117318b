namespace Cortex.Gateway.Forwarding;

/// <summary>A request that cannot be passed on without changing what it means.</summary>
internal sealed class BadClientRequestException(string message) : IOException(message);
