namespace Cortex.Gateway.Replicas;

/// <summary>A replica could not be reached; it has seen nothing of the request.</summary>
public sealed class UpstreamUnreachableException : IOException
{
    /// <summary>Says which replica, and why.</summary>
    public UpstreamUnreachableException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}
