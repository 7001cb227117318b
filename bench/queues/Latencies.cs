namespace Cortex.Bench.Queues;

/// <summary>Times of one kind of call, in buckets of 10 microseconds up to a second.</summary>
internal sealed class Latencies(string name)
{
    private const int Buckets = 100_000;

    private readonly int[] _counts = new int[Buckets + 1];
    private long _max;

    public void Add(TimeSpan elapsed)
    {
        Interlocked.Increment(ref _counts[(int)Math.Min(elapsed.TotalMicroseconds / 10, Buckets)]);
        if (elapsed.Ticks > Volatile.Read(ref _max))
        {
            Volatile.Write(ref _max, elapsed.Ticks);   // a race loses a little of the maximum
        }
    }

    public void Print(TimeSpan time)
    {
        var total = _counts.Sum(c => (long)c);
        Console.WriteLine($"{name,-40}{total / time.TotalSeconds,10:0}{At(total, 0.5),10:0.00}{At(total, 0.99),10:0.00}{At(total, 0.999),10:0.00}{TimeSpan.FromTicks(_max).TotalMilliseconds,10:0.00}");
    }

    private double At(long total, double quantile)
    {
        var left = (long)(total * quantile);
        for (var i = 0; i <= Buckets; i++)
        {
            left -= _counts[i];
            if (left < 0)
            {
                return i / 100.0;
            }
        }

        return double.NaN;
    }
}
