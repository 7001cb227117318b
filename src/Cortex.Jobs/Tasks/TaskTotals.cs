using System.Globalization;

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
            for (var i = 0; i < _bounds.Length; i++)
            {
                total.Buckets[i] += seconds <= _bounds[i] ? 1 : 0;
            }
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
            writer.Write("# HELP cortex_task_succeeded Task jobs that succeeded.\n# TYPE cortex_task_succeeded counter\n");
            Each((name, total) => Line(writer, $"cortex_task_succeeded{{api_name=\"{name}\"}}", total.Succeeded));
            writer.Write("# HELP cortex_task_failed Task jobs that ended in any other way.\n# TYPE cortex_task_failed counter\n");
            Each((name, total) => Line(writer, $"cortex_task_failed{{api_name=\"{name}\"}}", total.Failed));
            writer.Write("# HELP cortex_time_per_task Seconds from the submission to the end of task jobs that succeeded.\n# TYPE cortex_time_per_task histogram\n");
            Each((name, total) =>
            {
                for (var i = 0; i < _bounds.Length; i++)
                {
                    Line(writer, string.Create(CultureInfo.InvariantCulture, $"cortex_time_per_task_bucket{{api_name=\"{name}\",le=\"{_bounds[i]}\"}}"), total.Buckets[i]);
                }

                Line(writer, $"cortex_time_per_task_bucket{{api_name=\"{name}\",le=\"+Inf\"}}", total.Succeeded);
                Line(writer, $"cortex_time_per_task_sum{{api_name=\"{name}\"}}", total.Seconds);
                Line(writer, $"cortex_time_per_task_count{{api_name=\"{name}\"}}", total.Succeeded);
            });
        }
    }

    private void Each(Action<string, Total> write)
    {
        foreach (var (name, total) in _byApi)
        {
            write(name, total);
        }
    }

    private static void Line(TextWriter writer, string series, double value) =>
        writer.Write(string.Create(CultureInfo.InvariantCulture, $"{series} {value}\n"));

    private sealed class Total
    {
        public long Succeeded { get; set; }

        public long Failed { get; set; }

        public double Seconds { get; set; }

        public long[] Buckets { get; } = new long[_bounds.Length];
    }
}
