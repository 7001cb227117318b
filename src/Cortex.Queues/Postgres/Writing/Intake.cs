using System.Threading.Channels;

namespace Cortex.Queues.Postgres.Writing;

/// <summary>
/// Where operations wait to be written: two lanes, each with the bounds of the store. What ends work goes before what brings more, so that a flood of new messages
/// can't keep results out. Thread-safe.
/// </summary>
internal sealed class Intake(QueueStoreOptions options)
{
    private readonly Lock _lock = new();
    private readonly Lane _ending = new();
    private readonly Lane _growing = new();

    // An entry wakes one worker. One entry for each is enough: a worker that leaves something behind wakes another.
    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(Writer.Connections) { FullMode = BoundedChannelFullMode.DropWrite });
    private bool _isClosed;

    /// <summary>Lets an operation in.</summary>
    /// <exception cref="StoreBusyException">Too much waits or is being written already.</exception>
    /// <exception cref="StoreUnavailableException">The store is closed.</exception>
    public void Add(Operation operation)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                throw new StoreUnavailableException("the queue store is closed");
            }

            var lane = LaneOf(operation);
            if (lane.Operations >= options.MaxPendingOperations)
            {
                throw new StoreBusyException($"{lane.Operations} operations wait to be written already; try again shortly, or raise max_pending ({options.MaxPendingOperations})");
            }

            // One that is alone is let in however large it is: it would never be otherwise.
            if (lane.Bytes > 0 && lane.Bytes + operation.Bytes > options.MaxPendingBytes)
            {
                throw new StoreBusyException($"{lane.Bytes} bytes wait to be written already; try again shortly, or raise max_pending_bytes ({options.MaxPendingBytes})");
            }

            lane.Enter(operation);
        }

        _wakes.Writer.TryWrite(true);
    }

    /// <summary>Waits for operations. False when the intake is closed and empty.</summary>
    public async ValueTask<bool> WaitAsync()
    {
        while (!HasWaiting())
        {
            if (!await _wakes.Reader.WaitToReadAsync())
            {
                return HasWaiting();
            }

            _wakes.Reader.TryRead(out _);
        }

        return true;
    }

    /// <summary>Takes as many operations as fit into one commit; they are given back with <see cref="Leave"/>.</summary>
    public Batch Take(int maxOperations)
    {
        var batch = new Batch();
        bool more;
        lock (_lock)
        {
            var bytes = 0L;
            while (batch.Operations.Count < maxOperations && bytes < options.MaxCommitBytes && (_ending.Waiting.TryDequeue(out var operation) || _growing.Waiting.TryDequeue(out operation)))
            {
                batch.Add(operation);
                bytes += operation.Bytes;
            }

            more = _ending.Waiting.Count + _growing.Waiting.Count > 0;
        }

        if (more)
        {
            _wakes.Writer.TryWrite(true);
        }

        return batch;
    }

    /// <summary>The operations are written, or were refused: there is room for others.</summary>
    public void Leave(Batch batch)
    {
        lock (_lock)
        {
            foreach (var operation in batch.Operations)
            {
                LaneOf(operation).Leave(operation);
            }
        }
    }

    /// <summary>Lets nothing in any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
        }

        _wakes.Writer.TryComplete();
    }

    private bool HasWaiting()
    {
        lock (_lock)
        {
            return _ending.Waiting.Count + _growing.Waiting.Count > 0;
        }
    }

    private Lane LaneOf(Operation operation) => operation.Grows ? _growing : _ending;

    private sealed class Lane
    {
        public Queue<Operation> Waiting { get; } = new();

        public int Operations { get; private set; }

        public long Bytes { get; private set; }

        public void Enter(Operation operation)
        {
            Waiting.Enqueue(operation);
            Operations++;
            Bytes += operation.Bytes;
        }

        public void Leave(Operation operation)
        {
            Operations--;
            Bytes -= operation.Bytes;
        }
    }
}
