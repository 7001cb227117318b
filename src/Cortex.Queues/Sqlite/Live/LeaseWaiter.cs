namespace Cortex.Queues.Sqlite.Live;

/// <summary>A caller that waits for a message of a queue. It gets a lease, or null when it waited in vain.</summary>
internal sealed class LeaseWaiter(QueueState queue, TimeSpan visibility) : TaskCompletionSource<LiveLease?>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public QueueState Queue => queue;

    public TimeSpan Visibility => visibility;

    /// <summary>Its place in the line; null once it left.</summary>
    public LinkedListNode<LeaseWaiter>? Place { get; set; }
}
