namespace Cortex.Queues;

/// <summary>Callers that wait for a message to become final. Bounded; thread-safe.</summary>
internal sealed class FinalWaiters(int limit, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, List<Waiter>> _bySequence = [];
    private int _count;
    private bool _closed;

    /// <summary>What <see cref="IQueueStore.WaitAsync"/> promises, for a store that signals.</summary>
    /// <param name="sequence">The message.</param>
    /// <param name="wait">At most so long.</param>
    /// <param name="get">Looks the message up.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<MessageRecord?> WaitAsync(long sequence, TimeSpan wait, Func<ValueTask<MessageRecord?>> get, CancellationToken cancellationToken)
    {
        StoreInput.CheckWait(wait);
        using var waiter = wait > TimeSpan.Zero ? Enter(sequence) : null;
        var record = await get();
        if (waiter is null || record is not { Status: MessageStatus.Waiting or MessageStatus.Leased })
        {
            return record;
        }

        await waiter.WaitAsync(wait, cancellationToken);
        return await get();
    }

    /// <summary>Stands in line for a message; null when the line is full. To be done before looking whether it is final already.</summary>
    public Waiter? Enter(long sequence)
    {
        lock (_lock)
        {
            if (_count >= limit || _closed)
            {
                return null;
            }

            var waiter = new Waiter(this, sequence);
            if (!_bySequence.TryGetValue(sequence, out var waiters))
            {
                _bySequence[sequence] = waiters = new List<Waiter>(1);
            }

            waiters.Add(waiter);
            _count++;
            return waiter;
        }
    }

    /// <summary>Wakes whoever waits for this message.</summary>
    public void Signal(long sequence)
    {
        lock (_lock)
        {
            if (_count > 0 && _bySequence.TryGetValue(sequence, out var waiters))
            {
                waiters.ForEach(w => w.Wake());
            }
        }
    }

    /// <summary>The messages that somebody waits for.</summary>
    public List<long> Sequences()
    {
        lock (_lock)
        {
            return [.. _bySequence.Keys];
        }
    }

    /// <summary>Wakes everybody and lets nobody wait any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var waiters in _bySequence.Values)
            {
                waiters.ForEach(w => w.Wake());
            }
        }
    }

    private void Leave(Waiter waiter)
    {
        lock (_lock)
        {
            if (_bySequence.TryGetValue(waiter.Sequence, out var waiters) && waiters.Remove(waiter))
            {
                _count--;
                if (waiters.Count == 0)
                {
                    _bySequence.Remove(waiter.Sequence);
                }
            }
        }
    }

    /// <summary>A place in the line.</summary>
    internal sealed class Waiter(FinalWaiters owner, long sequence) : IDisposable
    {
        private readonly TaskCompletionSource _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long Sequence => sequence;

        /// <summary>Waits for the signal, for at most <paramref name="wait"/>.</summary>
        public async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
        {
            // The longest wait that timers know; callers that want more ask again.
            var bounded = wait < TimeSpan.FromDays(1) ? wait : TimeSpan.FromDays(1);
            await _woken.Task.WaitAsync(bounded, owner.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        public void Wake() => _woken.TrySetResult();

        public void Dispose() => owner.Leave(this);
    }

    private TimeProvider Time => time;
}
