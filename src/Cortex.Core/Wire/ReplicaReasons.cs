namespace Cortex.Core.Wire;

/// <summary>Words in the reasons of replicas by which others know that waiting mends nothing.</summary>
public static class ReplicaReasons
{
    /// <summary>A server in the container is there, but where nobody reaches it.</summary>
    public const string LoopbackOnly = "the program listens on 127.0.0.1 only";
}
