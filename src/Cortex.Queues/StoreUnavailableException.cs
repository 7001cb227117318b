namespace Cortex.Queues;

/// <summary>The database or the blob store can't be reached or answers with an error. Whether a write in progress was stored is unknown.</summary>
public sealed class StoreUnavailableException : IOException
{
    /// <summary>Says what can't be reached and why.</summary>
    public StoreUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
