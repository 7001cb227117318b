namespace Cortex.Queues;

/// <summary>The store bears the id of another cluster. Nothing in it was read or changed.</summary>
public sealed class StoreOwnedException : IOException
{
    /// <summary>Says whose it is and what to do.</summary>
    public StoreOwnedException(string message)
        : base(message)
    {
    }
}
