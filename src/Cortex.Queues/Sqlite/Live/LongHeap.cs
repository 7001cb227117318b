namespace Cortex.Queues.Sqlite.Live;

/// <summary>
/// A min-heap of numbers at 8 bytes each. Rising numbers are added in constant time, which is how messages nearly
/// always come; taking one of a million costs a fraction of a microsecond.
/// </summary>
internal sealed class LongHeap
{
    private const int Smallest = 16;

    private long[] _items = [];

    public int Count { get; private set; }

    /// <summary>The least number; the heap is not empty.</summary>
    public long Min => _items[0];

    public void Add(long value)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Math.Max(Smallest, _items.Length * 2));
        }

        var i = Count++;
        while (i > 0)
        {
            var parent = (i - 1) >> 2;
            if (_items[parent] <= value)
            {
                break;
            }

            _items[i] = _items[parent];
            i = parent;
        }

        _items[i] = value;
    }

    /// <summary>Takes the least number; the heap is not empty.</summary>
    public long Take()
    {
        var min = _items[0];
        var last = _items[--Count];
        var i = 0;
        while (true)
        {
            var child = (i << 2) + 1;
            if (child >= Count)
            {
                break;
            }

            var least = child;
            for (var other = child + 1; other < Math.Min(child + 4, Count); other++)
            {
                if (_items[other] < _items[least])
                {
                    least = other;
                }
            }

            if (_items[least] >= last)
            {
                break;
            }

            _items[i] = _items[least];
            i = least;
        }

        if (Count > 0)
        {
            _items[i] = last;
        }

        // A queue that was long once gives its memory back.
        if (_items.Length > 1024 && Count < _items.Length / 4)
        {
            Array.Resize(ref _items, _items.Length / 2);
        }

        return min;
    }

    /// <summary>Drops every number of the set, at a cost that grows with the heap's size.</summary>
    public void RemoveAll(HashSet<long> values)
    {
        var kept = _items.AsSpan(0, Count).ToArray().Where(i => !values.Contains(i)).Order().ToArray();
        _items = kept;   // a sorted array is a heap
        Count = kept.Length;
    }
}
