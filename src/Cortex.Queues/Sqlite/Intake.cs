using Cortex.Queues.Sqlite.Operations;

namespace Cortex.Queues.Sqlite;

/// <summary>
/// Where operations wait for the writer: a bounded gate with two lanes. What ends work goes before what brings more, and
/// has a limit of its own, so that a flood of new messages can't keep results out.
/// </summary>
internal sealed class Intake(QueueStoreOptions options)
{
    // More operations in a group gain nothing, and the first of them would wait for the last.
    private const int MaxGroup = 1024;

    private readonly object _lock = new();   // for Monitor.Wait
    private readonly Lane _ending = new();
    private readonly Lane _growing = new();
    private bool _background;
    private bool _closed;

    /// <summary>Operations and bytes that wait.</summary>
    public (int Operations, long Bytes) Pending
    {
        get
        {
            lock (_lock)
            {
                return (_ending.Operations.Count + _growing.Operations.Count, _ending.Bytes + _growing.Bytes);
            }
        }
    }

    /// <summary>Lets an operation in.</summary>
    /// <exception cref="StoreBusyException">Too much waits already.</exception>
    /// <exception cref="ObjectDisposedException">The store is closed.</exception>
    public void Add(Operation operation)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(SqliteQueueStore));
            var lane = operation.Grows ? _growing : _ending;
            if (lane.Operations.Count >= options.MaxPendingOperations)
            {
                throw new StoreBusyException($"{lane.Operations.Count} operations wait to be written already; try again shortly, or raise max_pending ({options.MaxPendingOperations}).");
            }

            if (lane.Bytes > 0 && lane.Bytes + operation.Bytes > options.MaxPendingBytes)
            {
                throw new StoreBusyException($"{lane.Bytes} bytes wait to be written already; try again shortly, or raise max_pending_bytes ({options.MaxPendingBytes}).");
            }

            lane.Operations.Enqueue(operation);
            lane.Bytes += operation.Bytes;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Wakes the writer for work of its own.</summary>
    public void WakeForBackground()
    {
        lock (_lock)
        {
            _background = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Lets nothing in any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Waits for operations and takes as many as fit into one commit. False when it is closed and empty.</summary>
    /// <param name="group">Gets the operations; none when there is only background work.</param>
    /// <param name="hasBackground">The writer has work of its own and need not wait.</param>
    public bool Take(List<Operation> group, bool hasBackground)
    {
        lock (_lock)
        {
            while (_ending.Operations.Count == 0 && _growing.Operations.Count == 0)
            {
                if (_closed)
                {
                    return false;
                }

                if (hasBackground || _background)
                {
                    _background = false;
                    return true;
                }

                Monitor.Wait(_lock);
            }

            _background = false;
            var bytes = 0L;
            Move(_ending, group, ref bytes);
            Move(_growing, group, ref bytes);
            return true;
        }
    }

    private void Move(Lane lane, List<Operation> group, ref long bytes)
    {
        while (group.Count < MaxGroup && lane.Operations.TryPeek(out var operation) && (bytes == 0 || bytes + operation.Bytes <= options.MaxCommitBytes))
        {
            lane.Operations.Dequeue();
            lane.Bytes -= operation.Bytes;
            bytes += operation.Bytes;
            group.Add(operation);
        }
    }

    private sealed class Lane
    {
        public Queue<Operation> Operations { get; } = new();

        public long Bytes { get; set; }
    }
}
