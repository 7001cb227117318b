namespace Cortex.Queues;

/// <summary>More is waiting to be written than <see cref="QueueStoreOptions"/> allow. Nothing was stored; try again shortly.</summary>
public sealed class StoreBusyException : IOException
{
    /// <summary>Says which limit was reached.</summary>
    public StoreBusyException(string message)
        : base(message)
    {
    }
}
