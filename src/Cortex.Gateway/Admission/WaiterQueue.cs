namespace Cortex.Gateway.Admission;

/// <summary>Waiters in arrival order; any of them leaves in constant time. Guarded by its owner.</summary>
internal sealed class WaiterQueue
{
    private Waiter? _last;

    public Waiter? First { get; private set; }

    public int Count { get; private set; }

    public void AddLast(Waiter waiter)
    {
        waiter.Previous = _last;
        if (_last is null)
        {
            First = waiter;
        }
        else
        {
            _last.Next = waiter;
        }

        _last = waiter;
        Added(waiter);
    }

    public void AddFirst(Waiter waiter)
    {
        waiter.Next = First;
        if (First is null)
        {
            _last = waiter;
        }
        else
        {
            First.Previous = waiter;
        }

        First = waiter;
        Added(waiter);
    }

    public void Remove(Waiter waiter)
    {
        if (waiter.Previous is null)
        {
            First = waiter.Next;
        }
        else
        {
            waiter.Previous.Next = waiter.Next;
        }

        if (waiter.Next is null)
        {
            _last = waiter.Previous;
        }
        else
        {
            waiter.Next.Previous = waiter.Previous;
        }

        waiter.Previous = waiter.Next = null;
        waiter.Queue = null;
        Count--;
    }

    private void Added(Waiter waiter)
    {
        waiter.Queue = this;
        Count++;
    }
}
