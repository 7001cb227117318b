using System.Collections.Concurrent;
using Cortex.Dispatch;
using static Cortex.Gateway.Metrics.PrometheusText;

namespace Cortex.Jobs.Batch.Running;

/// <summary>Counts the batches that ended, by API, since the server began.</summary>
internal sealed class BatchTotals
{
    private static readonly double[] _bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

    private readonly ConcurrentDictionary<string, Total> _byApi = new(StringComparer.Ordinal);

    /// <summary>Where the batches of an API are counted.</summary>
    public Total Of(string apiName) => _byApi.GetOrAdd(apiName, static _ => new Total());

    /// <summary>Forgets an API that was deleted.</summary>
    public void Remove(string apiName) => _byApi.TryRemove(apiName, out _);

    /// <summary>Writes the Prometheus text format.</summary>
    public void Write(TextWriter writer)
    {
        var all = _byApi.OrderBy(static api => api.Key, StringComparer.Ordinal).Select(static api => (api.Key, Total: api.Value.Read())).ToList();
        Family(writer, "cortex_batch_succeeded", "counter", "Batches that a worker answered with success.");
        all.ForEach(api => Sample(writer, "cortex_batch_succeeded", Labels(("api_name", api.Key)), api.Total.Succeeded));
        Family(writer, "cortex_batch_failed", "counter", "Batches that were given up.");
        all.ForEach(api => Sample(writer, "cortex_batch_failed", Labels(("api_name", api.Key)), api.Total.Failed));
        Family(writer, "cortex_time_per_batch", "histogram", "Seconds that batches took that succeeded.");
        all.ForEach(api => Histogram(writer, "cortex_time_per_batch", Labels(("api_name", api.Key)), _bounds, api.Total.Buckets, api.Total.Seconds));
    }

    /// <summary>What is counted of one API.</summary>
    /// <param name="Succeeded">Batches that succeeded.</param>
    /// <param name="Failed">Batches that were given up.</param>
    /// <param name="Seconds">Time of those that succeeded.</param>
    /// <param name="Buckets">How many of those took up to each bound and longer than the one before; the last bucket has none.</param>
    public readonly record struct Figures(long Succeeded, long Failed, double Seconds, IReadOnlyList<long> Buckets);

    /// <summary>Counts the batches of one API.</summary>
    internal sealed class Total
    {
        private readonly long[] _buckets = new long[_bounds.Length + 1];
        private long _failed;
        private long _microseconds;

        public void Add(MessageEnd end)
        {
            if (end.Fate is MessageFate.Failed or MessageFate.Lost)
            {
                Interlocked.Increment(ref _failed);
            }
            else if (end.Fate == MessageFate.Completed)
            {
                var index = Array.FindIndex(_bounds, bound => end.Took.TotalSeconds <= bound);
                Interlocked.Increment(ref _buckets[index >= 0 ? index : _bounds.Length]);
                Interlocked.Add(ref _microseconds, (long)end.Took.TotalMicroseconds);
            }
        }

        public Figures Read()
        {
            var buckets = new long[_buckets.Length];
            for (var i = 0; i < buckets.Length; i++)
            {
                buckets[i] = Interlocked.Read(ref _buckets[i]);
            }

            return new Figures(buckets.Sum(), Interlocked.Read(ref _failed), Interlocked.Read(ref _microseconds) / 1e6, buckets);
        }
    }
}
