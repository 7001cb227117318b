namespace Cortex.Queues.Sqlite.Live;

/// <summary>
/// The messages of one queue that can be leased now, by priority and then by age: 8 bytes for each. Not thread-safe.
/// </summary>
/// <remarks>
/// Sequence numbers rise with age, so a message that comes back takes the place it had, and the order is the same after
/// a restart. A message that leaves without being taken stays in its heap, marked as dead, until it comes up.
/// </remarks>
internal sealed class WaitingLine(int fairnessInterval)
{
    private const int Priorities = StoreInput.MaxPriority + 1;
    private const int MinDeadToCompact = 1024;

    private readonly LongHeap?[] _heaps = new LongHeap?[Priorities];
    private readonly HashSet<long> _dead = [];
    private int _entries;
    private int _taken;

    /// <summary>Messages in line.</summary>
    public int Count => _entries - _dead.Count;

    public void Add(long sequence, int priority)
    {
        if (_dead.Remove(sequence))
        {
            return;   // it is still in its heap
        }

        (_heaps[priority] ??= new LongHeap()).Add(sequence);
        _entries++;
    }

    /// <summary>Takes a message that is in line out of it.</summary>
    public void Remove(long sequence)
    {
        _dead.Add(sequence);
        if (_dead.Count >= MinDeadToCompact && _dead.Count > _entries / 2)
        {
            foreach (var heap in _heaps)
            {
                heap?.RemoveAll(_dead);
            }

            _entries -= _dead.Count;
            _dead.Clear();
        }
    }

    /// <summary>Takes the next message: by priority and age, or by age alone when it is the turn of fairness.</summary>
    public bool TryTake(out long sequence, out int priority)
    {
        priority = -1;
        sequence = 0;
        if (Count == 0)
        {
            return false;
        }

        _taken = (_taken + 1) % fairnessInterval;
        priority = _taken == 0 ? Oldest() : Highest();
        sequence = _heaps[priority]!.Take();
        _entries--;
        return true;
    }

    /// <summary>The oldest message; null when there is none.</summary>
    public long? PeekOldest() => Count == 0 ? null : _heaps[Oldest()]!.Min;

    private int Highest()
    {
        for (var priority = Priorities - 1; ; priority--)
        {
            if (HasLiving(priority))
            {
                return priority;
            }
        }
    }

    private int Oldest()
    {
        var oldest = -1;
        for (var priority = 0; priority < Priorities; priority++)
        {
            if (HasLiving(priority) && (oldest < 0 || _heaps[priority]!.Min < _heaps[oldest]!.Min))
            {
                oldest = priority;
            }
        }

        return oldest;
    }

    // Drops the dead at the heap's top on the way.
    private bool HasLiving(int priority)
    {
        if (_heaps[priority] is not { } heap)
        {
            return false;
        }

        while (heap.Count > 0 && _dead.Count > 0 && _dead.Remove(heap.Min))
        {
            heap.Take();
            _entries--;
        }

        return heap.Count > 0;
    }
}
