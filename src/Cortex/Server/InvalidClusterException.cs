namespace Cortex.Server;

/// <summary>The data directory or the cluster's configuration can't be used.</summary>
/// <param name="message">What is wrong and how to mend it.</param>
internal sealed class InvalidClusterException(string message) : Exception(message);
