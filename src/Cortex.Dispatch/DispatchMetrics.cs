using System.Collections.Concurrent;

namespace Cortex.Dispatch;

/// <summary>How fast the containers of one API answer, by status.</summary>
public sealed class DispatchMetrics
{
    /// <summary>Upper bounds of the latency buckets, in seconds; the last bucket has none.</summary>
    public static readonly double[] BucketBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly ConcurrentDictionary<int, Histogram> _byStatus = new();
    private long _answers;
    private long _microseconds;

    /// <summary>Every status that was answered.</summary>
    public IEnumerable<KeyValuePair<int, Histogram>> All => _byStatus.OrderBy(static entry => entry.Key);

    /// <summary>Answers of every status, and the time that they took, added up.</summary>
    public (long Answers, TimeSpan Time) Totals => (Interlocked.Read(ref _answers), TimeSpan.FromMicroseconds(Interlocked.Read(ref _microseconds)));

    /// <summary>Counts an answer.</summary>
    /// <param name="status">Its status.</param>
    /// <param name="elapsed">From the attempt's begin until the answer's head.</param>
    internal void Record(int status, TimeSpan elapsed)
    {
        if (!_byStatus.TryGetValue(status, out var histogram))
        {
            histogram = _byStatus.GetOrAdd(status, static _ => new Histogram());
        }

        histogram.Record(elapsed);
        Interlocked.Increment(ref _answers);
        Interlocked.Add(ref _microseconds, (long)elapsed.TotalMicroseconds);
    }

    /// <summary>Latencies of one status.</summary>
    public sealed class Histogram
    {
        private readonly long[] _buckets = new long[BucketBounds.Length + 1];
        private long _microseconds;

        /// <summary>Sum of all latencies, in seconds.</summary>
        public double Seconds => Interlocked.Read(ref _microseconds) / 1e6;

        /// <summary>Answers in each bucket, those of smaller buckets not included.</summary>
        public long[] Buckets() => [.. Enumerable.Range(0, _buckets.Length).Select(i => Interlocked.Read(ref _buckets[i]))];

        internal void Record(TimeSpan elapsed)
        {
            var index = 0;
            while (index < BucketBounds.Length && elapsed.TotalSeconds > BucketBounds[index])
            {
                index++;
            }

            Interlocked.Increment(ref _buckets[index]);
            Interlocked.Add(ref _microseconds, (long)elapsed.TotalMicroseconds);
        }
    }
}
