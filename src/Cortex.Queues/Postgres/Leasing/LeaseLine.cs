using Cortex.Background;

namespace Cortex.Queues.Postgres.Leasing;

/// <summary>
/// Who waits for messages of one queue in this process, and the few messages that were fetched ahead for them. One loop
/// fetches while somebody waits: many callers share a round trip.
/// </summary>
internal sealed class LeaseLine
{
    private const int MaxAhead = 128;
    private const int MaxAtOnce = 256;

    // What is fetched ahead lasts for this part of a second at the present rate,
    private const double AheadSeconds = 0.1;

    // at rates where a round trip for each would not do. Below, the order is exact whatever comes back or is more urgent.
    private const double AheadFrom = 200;

    // and is given back when it was not wanted for so long.
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly LinkedList<Fetched> _ahead = new();
    private readonly Bell _bell = new();
    private readonly HandOutRate _rate;
    private readonly FairOrder _order;
    private readonly LeaseLines _owner;
    private bool _isRunning;
    private bool _isClosed;
    private long _lastHandOut;

    public LeaseLine(int queue, LeaseLines owner, int fairnessInterval)
    {
        Queue = queue;
        _owner = owner;
        _rate = new HandOutRate(TimeProvider.System);
        _order = new FairOrder(fairnessInterval);
    }

    public int Queue { get; }

    /// <summary>Completes when nothing is being fetched.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>Whether somebody waits who would want to know of new messages.</summary>
    public bool IsWaitedFor
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count > 0;
            }
        }
    }

    /// <summary>Takes the next message, waiting for it at most so long.</summary>
    public async ValueTask<LeasedMessage?> TakeAsync(TimeSpan visibility, TimeSpan wait, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Enter(visibility, wait == TimeSpan.Zero) is not { } waiter)
        {
            return null;
        }

        if (wait == TimeSpan.Zero)
        {
            // One look at the database, which answers in bounded time.
            return await WaitAsync(waiter, Timeout.InfiniteTimeSpan, cancellationToken);
        }

        return await WaitAsync(waiter, wait, cancellationToken);
    }

    /// <summary>There may be messages.</summary>
    public void Signal() => _bell.Ring();

    /// <summary>Sends everybody away with nothing; what was fetched ahead is returned to be given back.</summary>
    public List<HeldLease> Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            foreach (var waiter in _waiters)
            {
                waiter.Give(null);
            }

            _waiters.Clear();
            _bell.Ring();
            return TakeAhead_NeedsLock();
        }
    }

    private async ValueTask<LeasedMessage?> WaitAsync(Waiter waiter, TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            return await waiter.Task.WaitAsync(wait, _owner.Time, cancellationToken);
        }
        catch (OperationCanceledException) when (Leave(waiter))
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            // A message came at the same moment: it goes back to where it was.
            if (await waiter.Task is { } message)
            {
                _owner.GiveBack(message.Lease);
            }

            throw;
        }
        catch (TimeoutException)
        {
            return Leave(waiter) ? null : await waiter.Task;
        }
    }

    private Waiter? Enter(TimeSpan visibility, bool once)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return null;
            }

            var waiter = new Waiter(visibility, once);
            waiter.Node = _waiters.AddLast(waiter);
            HandOut_NeedsLock();
            if (!_isRunning)
            {
                _isRunning = true;
                Ended = Task.Run(FetchWhileWantedAsync);
            }
            else if (_ahead.Count <= Ahead_NeedsLock() / 2)
            {
                _bell.Ring();
            }

            return waiter;
        }
    }

    private bool Leave(Waiter waiter)
    {
        lock (_lock)
        {
            if (waiter.Node is null)
            {
                return false;
            }

            _waiters.Remove(waiter.Node);
            waiter.Node = null;
            return true;
        }
    }

    private async Task FetchWhileWantedAsync()
    {
        while (true)
        {
            var count = Begin();
            if (count > 0)
            {
                bool ranDry;
                try
                {
                    var fetched = await _owner.FetchAsync(Queue, count, FairAmong(count));
                    ranDry = Accept(fetched, count);
                    GiveBackWhenClosed();
                }
                catch (Exception e)
                {
                    FailWaiters(e);
                    continue;
                }

                if (!ranDry)
                {
                    continue;
                }
            }

            var woken = await _bell.WaitAsync(MaxAge, TimeProvider.System, CancellationToken.None);
            if (!woken)
            {
                _owner.GiveBack(Unwanted());
            }

            if (TryEnd())
            {
                return;
            }
        }
    }

    /// <summary>How many to fetch now.</summary>
    private int Begin()
    {
        lock (_lock)
        {
            foreach (var waiter in _waiters)
            {
                waiter.IsLookedFor = true;
            }

            var ahead = Ahead_NeedsLock();
            if (_isClosed || (_waiters.Count == 0 && _ahead.Count > ahead / 2))
            {
                return 0;
            }

            return Math.Min(MaxAtOnce, Math.Max(0, _waiters.Count + ahead - _ahead.Count));
        }
    }

    private int FairAmong(int count)
    {
        lock (_lock)
        {
            return _order.FairAmong(count);
        }
    }

    /// <summary>Hands out what was fetched. True when there was no more.</summary>
    private bool Accept(List<Fetched> fetched, int wanted)
    {
        lock (_lock)
        {
            foreach (var message in _order.Sort(fetched))
            {
                _ahead.AddLast(message);
            }

            HandOut_NeedsLock();
            if (fetched.Count == wanted)
            {
                return false;
            }

            for (var node = _waiters.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value is { IsOnce: true, IsLookedFor: true })
                {
                    Answer_NeedsLock(node.Value, null);
                }

                node = next;
            }

            return true;
        }
    }

    private void GiveBackWhenClosed()
    {
        List<HeldLease> left;
        lock (_lock)
        {
            if (!_isClosed)
            {
                return;
            }

            left = TakeAhead_NeedsLock();
        }

        _owner.GiveBack(left);
    }

    private void FailWaiters(Exception error)
    {
        lock (_lock)
        {
            foreach (var waiter in _waiters)
            {
                waiter.Node = null;
                waiter.Fail(error);
            }

            _waiters.Clear();
        }
    }

    private List<HeldLease> Unwanted()
    {
        lock (_lock)
        {
            return TimeProvider.System.GetElapsedTime(_lastHandOut) >= MaxAge ? TakeAhead_NeedsLock() : [];
        }
    }

    private bool TryEnd()
    {
        lock (_lock)
        {
            if (!_isClosed && (_waiters.Count > 0 || _ahead.Count > 0))
            {
                return false;
            }

            _isRunning = false;
            return true;
        }
    }

    private void HandOut_NeedsLock()
    {
        while (_waiters.First is { } waiter && _ahead.First is { } message)
        {
            _ahead.RemoveFirst();
            if (_owner.Start(message.Value.Held, waiter.Value.Visibility))
            {
                _rate.Count();
                _lastHandOut = TimeProvider.System.GetTimestamp();
                Answer_NeedsLock(waiter.Value, message.Value.Message);
            }
        }
    }

    private void Answer_NeedsLock(Waiter waiter, LeasedMessage? message)
    {
        _waiters.Remove(waiter.Node!);
        waiter.Node = null;
        waiter.Give(message);
    }

    private List<HeldLease> TakeAhead_NeedsLock()
    {
        var taken = _ahead.Select(f => f.Held).ToList();
        _ahead.Clear();
        return taken;
    }

    private int Ahead_NeedsLock() => _rate.PerSecond() is >= AheadFrom and var rate ? (int)Math.Min(MaxAhead, rate * AheadSeconds) : 0;

    private sealed class Waiter(TimeSpan visibility, bool isOnce)
    {
        private readonly TaskCompletionSource<LeasedMessage?> _given = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TimeSpan Visibility => visibility;

        /// <summary>Does not wait for a message that comes later.</summary>
        public bool IsOnce => isOnce;

        /// <summary>It waited already when the present look began.</summary>
        public bool IsLookedFor { get; set; }

        /// <summary>Its place in the line; null when it has left it.</summary>
        public LinkedListNode<Waiter>? Node { get; set; }

        public Task<LeasedMessage?> Task => _given.Task;

        public void Give(LeasedMessage? message) => _given.TrySetResult(message);

        public void Fail(Exception error) => _given.TrySetException(error);
    }
}
