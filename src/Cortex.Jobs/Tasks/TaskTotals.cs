using static Cortex.Gateway.Metrics.PrometheusText;

namespace Cortex.Jobs.Tasks;

/// <summary>Counts the task jobs that ended, by API, since the server began.</summary>
internal sealed class TaskTotals
{
    private static readonly double[] _bounds = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 14400, 86400];

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Total> _byApi = new(StringComparer.Ordinal);

    public void Add(JobRecord job)
    {
        lock (_lock)
        {
            if (!_byApi.TryGetValue(job.ApiName, out var total))
            {
                _byApi[job.ApiName] = total = new Total();
            }

            if (job.Status != JobStatus.Succeeded)
            {
                total.Failed++;
                return;
            }

            var seconds = (job.EndedAt!.Value - job.CreatedAt).TotalSeconds;
            total.Succeeded++;
            total.Seconds += seconds;
            var index = Array.FindIndex(_bounds, bound => seconds <= bound);
            total.Buckets[index >= 0 ? index : _bounds.Length]++;
        }
    }

    /// <summary>Forgets an API that was deleted.</summary>
    public void Remove(string apiName)
    {
        lock (_lock)
        {
            _byApi.Remove(apiName);
        }
    }

    /// <summary>Writes the Prometheus text format.</summary>
    public void Write(TextWriter writer)
    {
        lock (_lock)
        {
            Family(writer, "cortex_task_succeeded", "counter", "Task jobs that succeeded.");
            Each((labels, total) => Sample(writer, "cortex_task_succeeded", labels, total.Succeeded));
            Family(writer, "cortex_task_failed", "counter", "Task jobs that ended in any other way.");
            Each((labels, total) => Sample(writer, "cortex_task_failed", labels, total.Failed));
            Family(writer, "cortex_time_per_task", "histogram", "Seconds from the submission to the end of task jobs that succeeded.");
            Each((labels, total) => Histogram(writer, "cortex_time_per_task", labels, _bounds, total.Buckets, total.Seconds));
        }
    }

    private void Each(Action<string, Total> write)
    {
        foreach (var (name, total) in _byApi)
        {
            write(Labels(("api_name", name)), total);
        }
    }

    private sealed class Total
    {
        public long Succeeded { get; set; }

        public long Failed { get; set; }

        public double Seconds { get; set; }

        public long[] Buckets { get; } = new long[_bounds.Length + 1];
    }
}
