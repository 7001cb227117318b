namespace Cortex.Queues;

/// <summary>There is no room to write: the disk or its quota is full. Nothing was stored; it goes on when there is room again.</summary>
public sealed class StoreFullException : IOException
{
    /// <summary>Says where there is no room.</summary>
    public StoreFullException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
