using Cortex.Queues.Blobs;

namespace Cortex.Queues;

/// <summary>
/// Durable queues and results. A call that writes completes when what it wrote survives a kill and a power cut.
/// </summary>
/// <remarks>
/// Delivery is at least once: a lease that expires, or whose holder's process dies, makes the message available again.
/// A message becomes final at most once; what comes later is refused. Queues are named by their users, such as
/// <c>async/iris</c> or <c>job/train/6a1f</c>. Writing calls throw <see cref="StoreFullException"/>,
/// <see cref="StoreBusyException"/> or <see cref="StoreUnavailableException"/>. Every call on a queue that was never
/// configured, but for reading, throws <see cref="InvalidOperationException"/>. Leases and delays run on a clock that never
/// jumps; only retention, and delays across a restart, follow the time of day. The memory behind a message, a result or a head is the
/// caller's again when his call is over.
/// </remarks>
public interface IQueueStore : IAsyncDisposable
{
    /// <summary>Where payloads and results over <see cref="QueueStoreOptions.InlineLimit"/> go, named <see cref="BlobNames"/>. The store deletes them with their message.</summary>
    IBlobStore Blobs { get; }

    /// <summary>What is wrong with what is stored, in a sentence for the administrator; null while nothing is known to be. Calls that write are refused then.</summary>
    string? Damage => null;

    /// <summary>A new id. Cheap, and unique also over restarts.</summary>
    MessageId NewId();

    /// <summary>Makes a queue, or changes its settings. A retired queue is in use again, with all that is left in it.</summary>
    Task ConfigureAsync(string queue, QueueSettings settings, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a queue out of use: nothing can be leased or put in. All its messages are kept for its retention from now on, then the queue
    /// is deleted. A queue that does not exist is no error.
    /// </summary>
    Task RetireAsync(string queue, CancellationToken cancellationToken);

    /// <summary>Deletes a queue with its messages and results. Leases are revoked. A queue that does not exist is no error.</summary>
    Task DeleteAsync(string queue, CancellationToken cancellationToken);

    /// <summary>The queues in use whose names begin with <paramref name="prefix"/>, in no particular order.</summary>
    ValueTask<IReadOnlyList<string>> ListQueuesAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Puts a message into its queue, or finds the one that came before with the same idempotency key.</summary>
    ValueTask<EnqueueResult> EnqueueAsync(NewMessage message, CancellationToken cancellationToken);

    /// <summary>Puts many messages into one queue, and a checkpoint beside them: all or nothing. Idempotency keys are not allowed.</summary>
    /// <param name="queue">The queue of every message.</param>
    /// <param name="messages">1 to 10,000, with together at most <see cref="QueueStoreOptions.MaxPendingBytes"/> in heads and inline payloads.</param>
    /// <param name="checkpoint">Replaces the queue's checkpoint; null leaves it. At most 4 KiB of text.</param>
    /// <param name="cancellationToken">Stops waiting; the messages may be stored all the same.</param>
    Task EnqueueManyAsync(string queue, IReadOnlyList<NewMessage> messages, string? checkpoint, CancellationToken cancellationToken);

    /// <summary>The last checkpoint of the queue; null when there is none.</summary>
    ValueTask<string?> ReadCheckpointAsync(string queue, CancellationToken cancellationToken);

    /// <summary>
    /// Leases the next message: the highest priority first, within a priority the oldest, but see
    /// <see cref="QueueStoreOptions.FairnessInterval"/>. A caller that is cancelled takes no message with it.
    /// </summary>
    /// <param name="queue">The queue.</param>
    /// <param name="visibility">The lease lasts so long unless extended; 1 second to 12 hours.</param>
    /// <param name="wait">How long to wait for a message; zero not at all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when there was none in time, or the queue is retired or deleted.</returns>
    ValueTask<LeasedMessage?> LeaseAsync(string queue, TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>Makes leases last <paramref name="visibility"/> from now. Those that have ended already are left out.</summary>
    ValueTask ExtendAsync(IReadOnlyList<Lease> leases, TimeSpan visibility, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the message final with its result. False when it is final already or somebody else holds it: then nothing was written. A lease that has
    /// expired still counts while nobody else has taken the message.
    /// </summary>
    ValueTask<bool> CompleteAsync(Lease lease, Body result, CancellationToken cancellationToken);

    /// <summary>Records a failed attempt, and makes the message final, or available again. False as in <see cref="CompleteAsync"/>.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="attempt">What happened.</param>
    /// <param name="retryAfter">When it may be tried again; null gives it up.</param>
    /// <param name="answer">What the worker answered, to be kept with a message that is given up; null for nothing.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    ValueTask<bool> FailAsync(Lease lease, Attempt attempt, TimeSpan? retryAfter, Body? answer, CancellationToken cancellationToken);

    /// <summary>Records an attempt that came to nothing without the message's fault, and makes it available again after <paramref name="delay"/>. False as in <see cref="CompleteAsync"/>.</summary>
    ValueTask<bool> LoseAsync(Lease lease, Attempt attempt, TimeSpan delay, CancellationToken cancellationToken);

    /// <summary>Puts the message back as if it had never been leased, to the place it had in the queue. A lease that has ended is no error.</summary>
    ValueTask ReleaseAsync(Lease lease, CancellationToken cancellationToken);

    /// <summary>Makes a message final as cancelled, also while it is worked on; then its lease is revoked. A message that is final stays as it is.</summary>
    ValueTask<ChangeOutcome> CancelAsync(string queue, MessageId id, CancellationToken cancellationToken);

    /// <summary>Puts a failed or cancelled message back, with its attempts counted from zero (the record of earlier ones stays). Others stay as they are.</summary>
    ValueTask<ChangeOutcome> RetryAsync(string queue, MessageId id, CancellationToken cancellationToken);

    /// <summary>What is known of a message; null when there is none of this id in this queue, or not any more.</summary>
    ValueTask<MessageRecord?> GetAsync(string queue, MessageId id, CancellationToken cancellationToken);

    /// <summary>As <see cref="GetAsync"/>, but waits until the message is final.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The message.</param>
    /// <param name="wait">At most so long; then the answer is what is known at that moment.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<MessageRecord?> WaitAsync(string queue, MessageId id, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>Lists messages, newest first. Its cost does not grow with the number of messages of other states.</summary>
    ValueTask<MessagePage> ListAsync(string queue, MessageQuery query, CancellationToken cancellationToken);

    /// <summary>How full the queue is; zero for one that does not exist.</summary>
    ValueTask<QueueCounts> CountAsync(string queue, CancellationToken cancellationToken);

    /// <summary>As <see cref="CountAsync(string, CancellationToken)"/> for many queues at once, in their order. Cheap: asked every second for all queues.</summary>
    async ValueTask<IReadOnlyList<QueueCounts>> CountAsync(IReadOnlyList<string> queues, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(queues);
        var counts = new QueueCounts[queues.Count];
        for (var i = 0; i < counts.Length; i++)
        {
            counts[i] = await CountAsync(queues[i], cancellationToken);
        }

        return counts;
    }

    /// <summary>
    /// Counts exactly what is stored of a queue; zero for one that does not exist. Unlike <see cref="CountAsync(string, CancellationToken)"/> never from memory, and its cost grows with the
    /// number of messages.
    /// </summary>
    ValueTask<QueueTotals> TotalAsync(string queue, CancellationToken cancellationToken);
}
