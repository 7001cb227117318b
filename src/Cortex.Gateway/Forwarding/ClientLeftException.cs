namespace Cortex.Gateway.Forwarding;

/// <summary>The client takes no more of its answer.</summary>
internal sealed class ClientLeftException(Exception? inner = null) : OperationCanceledException("the client left", inner);
