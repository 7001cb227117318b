using System.Collections.Concurrent;
using System.Globalization;
using Cortex.Async.Dispatch;

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
        writer.Write("# HELP cortex_batch_succeeded Batches that a worker answered with success.\n# TYPE cortex_batch_succeeded counter\n");
        all.ForEach(api => Line(writer, $"cortex_batch_succeeded{{api_name=\"{api.Key}\"}}", api.Total.Succeeded));
        writer.Write("# HELP cortex_batch_failed Batches that were given up.\n# TYPE cortex_batch_failed counter\n");
        all.ForEach(api => Line(writer, $"cortex_batch_failed{{api_name=\"{api.Key}\"}}", api.Total.Failed));
        writer.Write("# HELP cortex_time_per_batch Seconds that batches took that succeeded.\n# TYPE cortex_time_per_batch histogram\n");
        foreach (var (name, total) in all)
        {
            var count = 0L;
            for (var i = 0; i < _bounds.Length; i++)
            {
                count += total.Buckets[i];
                Line(writer, string.Create(CultureInfo.InvariantCulture, $"cortex_time_per_batch_bucket{{api_name=\"{name}\",le=\"{_bounds[i]}\"}}"), count);
            }

            Line(writer, $"cortex_time_per_batch_bucket{{api_name=\"{name}\",le=\"+Inf\"}}", total.Succeeded);
            Line(writer, $"cortex_time_per_batch_sum{{api_name=\"{name}\"}}", total.Seconds);
            Line(writer, $"cortex_time_per_batch_count{{api_name=\"{name}\"}}", total.Succeeded);
        }
    }

    private static void Line(TextWriter writer, string series, double value) =>
        writer.Write(string.Create(CultureInfo.InvariantCulture, $"{series} {value}\n"));

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

        public void Add(WorkEnd end)
        {
            if (end.Fate is WorkFate.Failed or WorkFate.Lost)
            {
                Interlocked.Increment(ref _failed);
            }
            else if (end.Fate == WorkFate.Completed)
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
