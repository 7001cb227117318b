using System.Globalization;
using System.Text.Json;
using Cortex.Client;
using Cortex.Core.Units;

namespace Cortex.Cli.Commands;

/// <summary>How far a batch job is, how fast it goes and how long it will take, from one look at it to the next.</summary>
internal sealed class JobProgress(TimeProvider time)
{
    private const int BarWidth = 30;

    /// <summary>The rate is that of the last looks, so that a change shows soon.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    private readonly Queue<(long At, long Done)> _looks = new();

    /// <summary>One line about the job as it is now, such as <c>[###---] 50%  5/10 batches, 1 failed, 2 workers, 1.5/s, 3s left</c>.</summary>
    public string Observe(JsonElement job)
    {
        var status = JobTables.Text(job, "status");
        var total = JobTables.Number(job, "total_batch_count");
        switch (status)
        {
            case "pending":
                return "pending";
            case "enqueuing":
                return string.Create(CultureInfo.InvariantCulture, $"enqueuing, {total} batches so far");
        }

        var isOver = new Job(job).IsFinal;
        var metrics = job.TryGetProperty("batch_metrics", out var counts) && counts.ValueKind == JsonValueKind.Object ? counts : default;
        var failed = metrics.ValueKind == JsonValueKind.Object ? JobTables.Number(metrics, "failed") : 0;
        var done = metrics.ValueKind == JsonValueKind.Object ? JobTables.Number(metrics, "succeeded") + failed : 0;
        var parts = new List<string> { string.Create(CultureInfo.InvariantCulture, $"{done}/{total} batches") };
        if (failed > 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{failed} failed"));
        }

        if (!isOver)
        {
            var ready = job.TryGetProperty("worker_counts", out var workers) && workers.ValueKind == JsonValueKind.Object ? JobTables.Number(workers, "ready") : 0;
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{ready} of {JobTables.Number(job, "workers")} workers"));
            AddRate(parts, done, total);
        }

        var share = total > 0 ? Math.Clamp((double)done / total, 0, 1) : isOver ? 1 : 0;
        var filled = (int)(share * BarWidth);
        return string.Create(CultureInfo.InvariantCulture, $"[{new string('#', filled)}{new string('-', BarWidth - filled)}] {(int)(share * 100),3}%  {string.Join(", ", parts)}");
    }

    private void AddRate(List<string> parts, long done, long total)
    {
        var now = time.GetTimestamp();
        _looks.Enqueue((now, done));
        while (_looks.Count > 2 && time.GetElapsedTime(_looks.Peek().At, now) > Window)
        {
            _looks.Dequeue();
        }

        var (since, before) = _looks.Peek();
        var seconds = time.GetElapsedTime(since, now).TotalSeconds;
        if (seconds <= 0)
        {
            return;
        }

        var rate = (done - before) / seconds;
        parts.Add(string.Create(CultureInfo.InvariantCulture, $"{rate:0.#}/s"));
        if (rate > 0 && total > done && (total - done) / rate is < 86_400 * 365 and var left)
        {
            parts.Add($"{GoDuration.Format(TimeSpan.FromSeconds(Math.Ceiling(left)))} left");
        }
    }
}
