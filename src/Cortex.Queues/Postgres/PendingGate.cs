namespace Cortex.Queues.Postgres;

/// <summary>Bounds what waits to be written. Thread-safe.</summary>
internal sealed class PendingGate(QueueStoreOptions options)
{
    private long _operations;
    private long _bytes;

    /// <exception cref="StoreBusyException">A bound is reached.</exception>
    public void Enter(long bytes)
    {
        if (Interlocked.Increment(ref _operations) > options.MaxPendingOperations)
        {
            Interlocked.Decrement(ref _operations);
            throw new StoreBusyException($"{options.MaxPendingOperations} operations wait to be written (MaxPendingOperations)");
        }

        // One that is alone is let in however large it is: it would never be otherwise.
        var pending = Interlocked.Add(ref _bytes, bytes);
        if (pending > options.MaxPendingBytes && pending != bytes)
        {
            Leave(bytes);
            throw new StoreBusyException($"{options.MaxPendingBytes} bytes wait to be written (MaxPendingBytes)");
        }
    }

    public void Leave(long bytes)
    {
        Interlocked.Decrement(ref _operations);
        Interlocked.Add(ref _bytes, -bytes);
    }
}
