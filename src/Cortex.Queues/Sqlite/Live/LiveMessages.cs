namespace Cortex.Queues.Sqlite.Live;

/// <summary>
/// Every message that is not final, in memory: in line, delayed or leased. Thread-safe. Only what is committed comes in
/// here, and what leaves is committed before; leases themselves are nowhere else.
/// </summary>
internal sealed class LiveMessages : IDisposable
{
    private const int MinStale = 1024;

    // Timers know no longer times.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly ITimer _timer;
    private readonly Dictionary<long, LiveLease> _leases = [];
    private readonly Dictionary<long, DelayedMessage> _delayed = [];

    // Both hold stale entries: of leases that have ended or were extended, of messages that are delayed no more.
    private PriorityQueue<LiveLease, long> _deadlines = new();
    private PriorityQueue<long, long> _dues = new();
    private long _lastToken;
    private long _armedFor = long.MaxValue;
    private bool _closed;

    /// <param name="time">The clock.</param>
    /// <param name="firstToken">Tokens of leases rise from here.</param>
    public LiveMessages(TimeProvider time, long firstToken)
    {
        _time = time;
        _start = time.GetTimestamp();
        _lastToken = firstToken;
        _timer = time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The monotonic clock, in ticks since the start.</summary>
    public long Now => _time.GetElapsedTime(_start).Ticks;

    /// <summary>Puts a message in line, or wakes who waits for one.</summary>
    public void Add(QueueState queue, long sequence, int priority)
    {
        lock (_lock)
        {
            AddNeedsLock(queue, sequence, priority, due: 0);
        }
    }

    /// <summary>As <see cref="Add"/>, but the message may not be leased before <paramref name="due"/> on the monotonic clock.</summary>
    public void AddDelayed(QueueState queue, long sequence, int priority, long due)
    {
        lock (_lock)
        {
            AddNeedsLock(queue, sequence, priority, due);
        }
    }

    /// <summary>Takes the next message. When there is none the caller waits, if <paramref name="wait"/> says so, and gets its place in line.</summary>
    public LiveLease? Lease(QueueState queue, TimeSpan visibility, bool wait, out LeaseWaiter? waiter)
    {
        lock (_lock)
        {
            waiter = null;
            if (_closed || queue.IsDeleted || queue.RetiredAt is not null)
            {
                return null;
            }

            var lease = TakeNeedsLock(queue, visibility);
            if (lease is null && wait)
            {
                waiter = new LeaseWaiter(queue, visibility);
                waiter.Place = queue.Waiters.AddLast(waiter);
            }

            return lease;
        }
    }

    /// <summary>Waits for a message. A caller that gives up leaves the line; when it was given one before that, it gets it.</summary>
    public async Task<LiveLease?> WaitAsync(LeaseWaiter waiter, TimeSpan wait, CancellationToken cancellationToken)
    {
        var bounded = wait < LongestTimer ? wait : LongestTimer;
        using var registration = cancellationToken.UnsafeRegister((w, token) => Leave((LeaseWaiter)w!, token), waiter);
        using var timer = _time.CreateTimer(w => Leave((LeaseWaiter)w!, CancellationToken.None), waiter, bounded, Timeout.InfiniteTimeSpan);
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Makes a lease last from now, if it is still held.</summary>
    public void Extend(Lease lease, TimeSpan visibility)
    {
        lock (_lock)
        {
            if (FindNeedsLock(lease.Id.Sequence, lease.Token) is { } held)
            {
                var deadline = Now + visibility.Ticks;
                if (deadline < held.Deadline)
                {
                    // The entry in the heap comes too late for it.
                    _deadlines.Enqueue(held, deadline);
                    held.Deadline = deadline;
                    ArmNeedsLock(deadline);
                }

                held.Deadline = deadline;
            }
        }
    }

    /// <summary>Puts a leased message back to its place, if the lease is still held.</summary>
    public void Release(long sequence, long token)
    {
        lock (_lock)
        {
            if (FindNeedsLock(sequence, token) is { } held)
            {
                EndNeedsLock(held);
                AddNeedsLock(held.Queue, held.Sequence, held.Priority, due: 0);
            }
        }
    }

    /// <summary>Whether nobody but the holder of this lease works on the message.</summary>
    public bool MayEnd(long sequence, long token)
    {
        lock (_lock)
        {
            return !_leases.TryGetValue(sequence, out var held) || held.Token == token;
        }
    }

    /// <summary>Whether somebody works on the message.</summary>
    public bool IsLeased(long sequence)
    {
        lock (_lock)
        {
            return _leases.ContainsKey(sequence);
        }
    }

    /// <summary>Whether the message waits for its time.</summary>
    public bool IsDelayed(long sequence)
    {
        lock (_lock)
        {
            return _delayed.ContainsKey(sequence);
        }
    }

    /// <summary>The messages of a queue that are worked on, newest first.</summary>
    public IReadOnlyList<long> ListLeased(QueueState queue)
    {
        lock (_lock)
        {
            return queue.Leased == 0 ? [] : [.. _leases.Values.Where(l => l.Queue == queue).Select(l => l.Sequence).OrderDescending()];
        }
    }

    /// <summary>A message that became final leaves. A lease of it other than <paramref name="token"/> is revoked.</summary>
    public void Finish(QueueState queue, long sequence, long token)
    {
        lock (_lock)
        {
            if (!queue.IsDeleted && RemoveNeedsLock(queue, sequence) is { } held && held.Token != token)
            {
                held.Revoke();
            }
        }
    }

    /// <summary>A message whose attempt failed goes back in line, at <paramref name="due"/>; one that somebody else has taken meanwhile stays his.</summary>
    public void PutBack(QueueState queue, long sequence, int priority, long token, long due)
    {
        lock (_lock)
        {
            if (!queue.IsDeleted && MayEndNeedsLock(sequence, token))
            {
                RemoveNeedsLock(queue, sequence);
                AddNeedsLock(queue, sequence, priority, due);
            }
        }
    }

    /// <summary>A queue was taken out of use: nobody waits for it any more.</summary>
    public void Retire(QueueState queue, long at)
    {
        lock (_lock)
        {
            queue.RetiredAt = at;
            DismissNeedsLock(queue);
        }
    }

    /// <summary>A queue was deleted, with everything in it.</summary>
    public void Delete(QueueState queue)
    {
        lock (_lock)
        {
            queue.IsDeleted = true;
            DismissNeedsLock(queue);
            foreach (var lease in _leases.Values.Where(l => l.Queue == queue).ToArray())
            {
                EndNeedsLock(lease);
                lease.Revoke();
            }

            foreach (var (sequence, _) in _delayed.Where(d => d.Value.Queue == queue).ToArray())
            {
                _delayed.Remove(sequence);
            }
        }
    }

    /// <summary>How many messages of a queue are in line, delayed and leased, and which of those in line is the oldest.</summary>
    public (int Waiting, int Delayed, int Leased, long? Oldest) Count(QueueState queue)
    {
        lock (_lock)
        {
            return (queue.Line.Count, queue.Delayed, queue.Leased, queue.Line.PeekOldest());
        }
    }

    /// <summary>Sends everybody who waits away; nothing is leased any more.</summary>
    public void Close(IEnumerable<QueueState> queues)
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var queue in queues)
            {
                DismissNeedsLock(queue);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void AddNeedsLock(QueueState queue, long sequence, int priority, long due)
    {
        if (queue.IsDeleted)
        {
            return;
        }

        if (due > 0 && due > Now)
        {
            _delayed[sequence] = new DelayedMessage(queue, priority, due);
            _dues.Enqueue(sequence, due);
            queue.Delayed++;
            ArmNeedsLock(due);
            return;
        }

        queue.Line.Add(sequence, priority);
        ServeNeedsLock(queue);
    }

    private void ServeNeedsLock(QueueState queue)
    {
        while (queue.Waiters.First is { } first && TakeNeedsLock(queue, first.Value.Visibility) is { } lease)
        {
            queue.Waiters.RemoveFirst();
            first.Value.Place = null;
            first.Value.SetResult(lease);
        }
    }

    private LiveLease? TakeNeedsLock(QueueState queue, TimeSpan visibility)
    {
        if (!queue.Line.TryTake(out var sequence, out var priority))
        {
            return null;
        }

        var lease = new LiveLease(queue, sequence, priority, ++_lastToken) { Deadline = Now + visibility.Ticks };
        _leases.Add(sequence, lease);
        queue.Leased++;
        if (_deadlines.Count > (2 * _leases.Count) + MinStale)
        {
            // Most leases end long before their time and leave their entry behind.
            _deadlines = new(_leases.Values.Select(l => (l, l.Deadline)));
        }
        else
        {
            _deadlines.Enqueue(lease, lease.Deadline);
        }

        ArmNeedsLock(lease.Deadline);
        return lease;
    }

    private LiveLease? FindNeedsLock(long sequence, long token) =>
        _leases.TryGetValue(sequence, out var held) && held.Token == token ? held : null;

    private bool MayEndNeedsLock(long sequence, long token) => !_leases.TryGetValue(sequence, out var held) || held.Token == token;

    private void EndNeedsLock(LiveLease lease)
    {
        lease.Ended = true;
        _leases.Remove(lease.Sequence);
        lease.Queue.Leased--;
    }

    // Out of wherever it is: a message that is not final is in exactly one place.
    private LiveLease? RemoveNeedsLock(QueueState queue, long sequence)
    {
        if (_leases.TryGetValue(sequence, out var held))
        {
            EndNeedsLock(held);
        }
        else if (_delayed.Remove(sequence))
        {
            queue.Delayed--;
            if (_dues.Count > (2 * _delayed.Count) + MinStale)
            {
                _dues = new(_delayed.Select(d => (d.Key, d.Value.Due)));
            }
        }
        else
        {
            queue.Line.Remove(sequence);
        }

        return held;
    }

    private static void DismissNeedsLock(QueueState queue)
    {
        while (queue.Waiters.First is { } first)
        {
            queue.Waiters.RemoveFirst();
            first.Value.Place = null;
            first.Value.SetResult(null);
        }
    }

    private void Leave(LeaseWaiter waiter, CancellationToken cancelled)
    {
        lock (_lock)
        {
            if (waiter.Place is { } place)
            {
                waiter.Queue.Waiters.Remove(place);
                waiter.Place = null;
                if (cancelled.IsCancellationRequested)
                {
                    waiter.SetCanceled(cancelled);
                }
                else
                {
                    waiter.SetResult(null);
                }
            }
        }
    }

    private void OnTimer()
    {
        lock (_lock)
        {
            _armedFor = long.MaxValue;
            PromoteNeedsLock();
            ExpireNeedsLock();
            if (_dues.TryPeek(out _, out var due))
            {
                ArmNeedsLock(due);
            }

            if (_deadlines.TryPeek(out _, out var deadline))
            {
                ArmNeedsLock(deadline);
            }
        }
    }

    private void PromoteNeedsLock()
    {
        var now = Now;
        while (_dues.TryPeek(out var sequence, out var due) && due <= now)
        {
            _dues.Dequeue();

            // It may have left, or be delayed to another time now.
            if (_delayed.TryGetValue(sequence, out var message) && message.Due == due)
            {
                _delayed.Remove(sequence);
                message.Queue.Delayed--;
                AddNeedsLock(message.Queue, sequence, message.Priority, due: 0);
            }
        }
    }

    private void ExpireNeedsLock()
    {
        var now = Now;
        while (_deadlines.TryPeek(out var lease, out var deadline) && deadline <= now)
        {
            _deadlines.Dequeue();
            if (lease.Ended)
            {
                continue;
            }

            if (lease.Deadline > now)
            {
                _deadlines.Enqueue(lease, lease.Deadline);   // it was extended
                continue;
            }

            EndNeedsLock(lease);
            lease.Revoke();
            AddNeedsLock(lease.Queue, lease.Sequence, lease.Priority, due: 0);
        }
    }

    private void ArmNeedsLock(long due)
    {
        if (due >= _armedFor || _closed)
        {
            return;
        }

        _armedFor = due;
        var wait = TimeSpan.FromTicks(Math.Max(due - Now, TimeSpan.TicksPerMillisecond));
        _timer.Change(wait < LongestTimer ? wait : LongestTimer, Timeout.InfiniteTimeSpan);
    }

    private readonly record struct DelayedMessage(QueueState Queue, int Priority, long Due);
}
