namespace Cortex.Operator.Scaling;

/// <summary>The sum and the average of the samples of the last while, at a constant cost per sample.</summary>
/// <remarks>
/// Samples are kept by slot: one per second, or longer ones in a window that would need more than <see cref="MaxSlots"/>.
/// That bounds the memory, and a tick that is late or early does not matter.
/// </remarks>
internal sealed class ScalingWindow
{
    /// <summary>Most slots of a window: an hour of seconds.</summary>
    public const int MaxSlots = 3600;

    private readonly long _slotTicks;
    private readonly (long Sum, int Count)[] _slots;
    private long _newest = -1;
    private long _sum;
    private long _count;

    /// <summary>An empty window.</summary>
    /// <param name="length">How far it looks back; 1 s or more.</param>
    public ScalingWindow(TimeSpan length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, TimeSpan.FromSeconds(1));
        Length = length;
        _slotTicks = Math.Max(TimeSpan.TicksPerSecond, Divide(length.Ticks, MaxSlots));
        _slots = new (long, int)[Divide(length.Ticks, _slotTicks)];
    }

    /// <summary>How far it looks back.</summary>
    public TimeSpan Length { get; }

    /// <summary>Adds a sample.</summary>
    /// <param name="now">Its time, on a clock that never goes back.</param>
    /// <param name="value">Its value.</param>
    public void Add(TimeSpan now, long value) => Add(now, value, count: 1);

    /// <summary>The average of the samples in the window; null when it has none.</summary>
    public double? Average(TimeSpan now)
    {
        MoveTo(now);
        return _count > 0 ? (double)_sum / _count : null;
    }

    /// <summary>The sum of the samples in the window.</summary>
    public long Sum(TimeSpan now)
    {
        MoveTo(now);
        return _sum;
    }

    /// <summary>A window of another length that begins with the samples of this one.</summary>
    public ScalingWindow WithLength(TimeSpan length)
    {
        var other = new ScalingWindow(length);
        for (var slot = Math.Max(0, _newest - _slots.Length + 1); slot <= _newest; slot++)
        {
            var (sum, count) = _slots[slot % _slots.Length];
            if (count > 0)
            {
                other.Add(TimeSpan.FromTicks(slot * _slotTicks), sum, count);
            }
        }

        return other;
    }

    private void Add(TimeSpan now, long sum, int count)
    {
        MoveTo(now);
        ref var slot = ref _slots[_newest % _slots.Length];
        slot = (slot.Sum + sum, slot.Count + count);
        _sum += sum;
        _count += count;
    }

    private void MoveTo(TimeSpan now)
    {
        var slot = now.Ticks / _slotTicks;
        if (slot - _newest >= _slots.Length)
        {
            Array.Clear(_slots);
            (_newest, _sum, _count) = (slot, 0, 0);
        }

        while (_newest < slot)
        {
            ref var oldest = ref _slots[++_newest % _slots.Length];
            _sum -= oldest.Sum;
            _count -= oldest.Count;
            oldest = default;
        }
    }

    private static long Divide(long dividend, long divisor) => (dividend + divisor - 1) / divisor;
}
