namespace Cortex.Runtimes.Docker;

/// <summary>Which container holds which GPU. Docker itself would give the first ones to everybody.</summary>
internal sealed class GpuLedger
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _holders = new(StringComparer.Ordinal);
    private int _count;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
        set
        {
            lock (_lock)
            {
                _count = value;
            }
        }
    }

    /// <summary>Gives a container its GPUs, the same ones when it has some already.</summary>
    /// <returns>Indexes as the NVIDIA runtime counts them; fewer than wanted when there are not enough.</returns>
    public IReadOnlyList<string> Take(string holder, long wanted)
    {
        lock (_lock)
        {
            var held = _holders.Where(h => h.Value == holder).Select(h => h.Key).ToList();
            for (var index = 0; index < _count && held.Count < wanted; index++)
            {
                if (_holders.TryAdd($"{index}", holder))
                {
                    held.Add($"{index}");
                }
            }

            return held;
        }
    }

    /// <summary>Notes what a container holds that an earlier process created.</summary>
    public void Adopt(string holder, IEnumerable<string> devices)
    {
        lock (_lock)
        {
            foreach (var device in devices)
            {
                _holders[device] = holder;
            }
        }
    }

    public void Release(string holder)
    {
        lock (_lock)
        {
            foreach (var device in _holders.Where(h => h.Value == holder).Select(h => h.Key).ToList())
            {
                _holders.Remove(device);
            }
        }
    }
}
