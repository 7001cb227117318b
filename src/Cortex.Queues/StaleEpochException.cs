namespace Cortex.Queues;

/// <summary>A later epoch has begun: another operator leads. Nothing was changed, and this process must write no state any more.</summary>
public sealed class StaleEpochException : IOException
{
    /// <summary>Says which epochs these are.</summary>
    /// <param name="store">What was to be written, for the message.</param>
    /// <param name="epoch">The epoch that the write named.</param>
    /// <param name="newest">The epoch that the store is in.</param>
    public StaleEpochException(string store, long epoch, long newest)
        : base($"{store} is in epoch {newest}, and this process leads in epoch {epoch} at most: another operator leads now, and nothing was changed")
    {
    }
}
