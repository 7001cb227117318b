namespace Cortex.Queues.Postgres.Leasing;

/// <summary>What this process holds, the fetched-ahead included. Thread-safe.</summary>
internal sealed class HeldLeases(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, HeldLease> _bySequence = [];

    /// <summary>Notes leases that were just taken.</summary>
    public void Add(HeldLease lease)
    {
        lock (_lock)
        {
            _bySequence[lease.Lease.Id.Sequence] = lease;
        }
    }

    /// <summary>Its holder begins to work. False when it was revoked before.</summary>
    public bool Start(HeldLease held, TimeSpan visibility)
    {
        lock (_lock)
        {
            held.IsWaiting = false;
            held.Expires = After(visibility);
            return IsHeld_NeedsLock(held);
        }
    }

    /// <summary>Lets a lease last longer.</summary>
    public void Extend(Lease lease, TimeSpan visibility)
    {
        lock (_lock)
        {
            if (_bySequence.TryGetValue(lease.Id.Sequence, out var held) && held.Lease == lease)
            {
                held.Expires = After(visibility);
            }
        }
    }

    /// <summary>The lease, if it is held, which from now on does not expire until <see cref="Resume"/> or <see cref="Remove"/>.</summary>
    public HeldLease? Suspend(Lease lease)
    {
        lock (_lock)
        {
            if (!_bySequence.TryGetValue(lease.Id.Sequence, out var held) || held.Lease != lease)
            {
                return null;
            }

            held.IsEnding = true;
            return held;
        }
    }

    /// <summary>The lease, if it is held.</summary>
    public HeldLease? Find(Lease lease)
    {
        lock (_lock)
        {
            return _bySequence.TryGetValue(lease.Id.Sequence, out var held) && held.Lease == lease ? held : null;
        }
    }

    /// <summary>It could not be ended.</summary>
    public void Resume(HeldLease held)
    {
        lock (_lock)
        {
            held.IsEnding = false;
        }
    }

    /// <summary>It has ended. False when it had before.</summary>
    public bool Remove(HeldLease held)
    {
        lock (_lock)
        {
            return IsHeld_NeedsLock(held) && _bySequence.Remove(held.Lease.Id.Sequence);
        }
    }

    /// <summary>Takes a message from its holder.</summary>
    public void Revoke(long sequence)
    {
        HeldLease? held;
        lock (_lock)
        {
            _bySequence.Remove(sequence, out held);
        }

        held?.Revoke();
    }

    /// <summary>Takes all messages of a queue from their holders.</summary>
    public void RevokeQueue(int queue)
    {
        foreach (var held in All())
        {
            if (held.Queue == queue && Remove(held))
            {
                held.Revoke();
            }
        }
    }

    /// <summary>Takes out what has expired, and tells the holders.</summary>
    public List<HeldLease> Expire()
    {
        var expired = new List<HeldLease>();
        var now = time.GetTimestamp();
        lock (_lock)
        {
            foreach (var held in _bySequence.Values)
            {
                if (held is { IsWaiting: false, IsEnding: false } && held.Expires <= now)
                {
                    expired.Add(held);
                }
            }

            expired.ForEach(h => _bySequence.Remove(h.Lease.Id.Sequence));
        }

        expired.ForEach(h => h.Revoke());
        return expired;
    }

    /// <summary>The token under which the message waits here, fetched ahead; 0 for none.</summary>
    public long WaitingToken(long sequence)
    {
        lock (_lock)
        {
            return _bySequence.TryGetValue(sequence, out var held) && held.IsWaiting ? held.Lease.Token : 0;
        }
    }

    /// <summary>Tokens of what was fetched ahead and nobody works on yet.</summary>
    public HashSet<long> WaitingTokens()
    {
        lock (_lock)
        {
            return [.. _bySequence.Values.Where(h => h.IsWaiting).Select(h => h.Lease.Token)];
        }
    }

    /// <summary>The messages that are worked on and whose end is not being written.</summary>
    public List<long> Sequences()
    {
        lock (_lock)
        {
            return [.. _bySequence.Values.Where(h => !h.IsEnding).Select(h => h.Lease.Id.Sequence)];
        }
    }

    /// <summary>All at this moment.</summary>
    public List<HeldLease> All()
    {
        lock (_lock)
        {
            return [.. _bySequence.Values];
        }
    }

    private bool IsHeld_NeedsLock(HeldLease held) => _bySequence.TryGetValue(held.Lease.Id.Sequence, out var current) && ReferenceEquals(current, held);

    private long After(TimeSpan span) => time.GetTimestamp() + (long)(span.TotalSeconds * time.TimestampFrequency);
}
