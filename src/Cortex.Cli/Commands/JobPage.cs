using System.Globalization;
using System.Text;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>One job as <c>get API JOB</c> shows it.</summary>
internal static class JobPage
{
    private static readonly (string Header, string Key, bool HiddenWhenZero)[] Workers =
    [
        ("Pending", "pending", false), ("Creating", "creating", false), ("Ready", "ready", false), ("NotReady", "not_ready", false),
        ("ErrImagePull", "err_image_pull", true), ("Terminating", "terminating", true), ("Failed", "failed", true), ("Killed", "killed", true),
        ("KilledOOM", "killed_oom", true), ("Stalled", "stalled", true), ("Unknown", "unknown", true), ("Succeeded", "succeeded", false),
    ];

    /// <summary>Shows a job; with <paramref name="progress"/> also how far a batch job is.</summary>
    public static async Task<Rendered> RenderAsync(
        CliHost host, CortexEnvironment environment, string apiName, string jobId, OutputFormat format, JobProgress? progress, CancellationToken cancellationToken)
    {
        using var client = host.Connect(environment);
        var jobs = client.Jobs(apiName);
        var kind = await jobs.KindAsync(cancellationToken);
        var report = await jobs.GetAsync(jobId, cancellationToken: cancellationToken);
        var answer = report.Json;
        var job = answer.GetProperty("job_status");
        var status = JobTables.Text(job, "status");
        if (format != OutputFormat.Pretty)
        {
            return Rendered.Data(format, answer) with { IsFinal = report.IsFinal };
        }

        var style = host.Style;
        var head = new KeyValues();
        head.Add("job id", JobTables.Text(job, "job_id"));
        head.Add("status", JobStatusText.Of(status));
        if (JobTables.Text(job, "message") is { Length: > 0 } message)
        {
            head.Add("reason", message);
        }

        if (status != "succeeded" && job.TryGetProperty("exit_code", out var code))
        {
            head.Add("exit code", code.GetRawText());
        }

        if (JobTables.Number(job, "max_attempts") is > 1 and var most)
        {
            head.Add("attempt", string.Create(CultureInfo.InvariantCulture, $"{JobTables.Number(job, "attempt")} of {most}"));
        }

        var times = new KeyValues();
        times.Add("start time", JobTables.Timestamp(JobTables.Time(job, "start_time")));
        times.Add("end time", JobTables.Timestamp(JobTables.Time(job, "end_time")));
        times.Add("duration", JobTables.Duration(job, host.Time));
        var text = new StringBuilder($"{head.Render(style.Bold)}\n{times.Render(style.Bold)}");
        if (kind == ApiKind.BatchAPI)
        {
            if (progress is not null)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n{progress.Observe(job)}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"\n{style.Bold("batch stats")}\n{BatchStats(job, answer)}{DeadLetters(apiName, job)}");
        }

        if (LastLines(job, style) is { Length: > 0 } lines)
        {
            text.Append('\n').Append(lines);
        }

        text.Append('\n').Append(WorkerStats(kind, report.Job, style));
        text.Append(CultureInfo.InvariantCulture, $"\n{style.Bold("job endpoint: ")}{JobTables.Text(answer, "endpoint")}\n");
        text.Append(CultureInfo.InvariantCulture, $"\n{style.Bold("job configuration")}\n{JsonSerializer.Serialize(job, WireJson.Indented.JsonElement)}\n");
        return new Rendered(text.ToString()) { IsFinal = report.IsFinal };
    }

    /// <summary>How to see the batches that were given up; empty when none were kept.</summary>
    public static string DeadLetters(string apiName, JsonElement job)
    {
        var count = JobTables.Number(job, "dead_letters");
        var jobId = JobTables.Text(job, "job_id");
        return count == 0 ? ""
            : $"{count.ToString(CultureInfo.InvariantCulture)} {(count == 1 ? "batch was" : "batches were")} given up: `cortex job dead-letters {apiName} {jobId}` shows why, `cortex job retry {apiName} {jobId}` tries again\n";
    }

    /// <summary>What a failed job wrote last; empty when it wrote nothing.</summary>
    public static string LastLines(JsonElement job, Style style)
    {
        if (!job.TryGetProperty("last_log_lines", out var lines) || lines.ValueKind != JsonValueKind.Array || lines.GetArrayLength() == 0)
        {
            return "";
        }

        return $"{style.Bold("last log lines")}\n{string.Concat(lines.EnumerateArray().Select(line => line.GetString() + "\n"))}";
    }

    private static string BatchStats(JsonElement job, JsonElement answer)
    {
        var table = new Table("total", "succeeded", "failed attempts", "avg time per batch") { BoldHeader = false };
        var total = JobTables.Number(job, "total_batch_count").ToString(CultureInfo.InvariantCulture);
        if (answer.TryGetProperty("metrics", out var metrics) && metrics.ValueKind == JsonValueKind.Object)
        {
            var average = metrics.TryGetProperty("average_time_per_batch", out var seconds) && seconds.ValueKind == JsonValueKind.Number
                ? GoDuration.Format(TimeSpan.FromMilliseconds(Math.Truncate(seconds.GetDouble() * 1000)))
                : "-";
            table.Add(total, Count(metrics, "succeeded"), Count(metrics, "failed"), average);
        }
        else
        {
            table.Add(total, "-", "-", "-");
        }

        return table.Render(default);
    }

    private static string WorkerStats(ApiKind? kind, Job job, Style style)
    {
        if (kind == ApiKind.BatchAPI && job.Status == "enqueuing")
        {
            return "still enqueuing, workers have not been allocated for this job yet\n";
        }

        if (job.IsFinal)
        {
            return "worker stats are not available because this job is not currently running\n";
        }

        if (!job.Json.TryGetProperty("worker_counts", out var counts) || counts.ValueKind != JsonValueKind.Object)
        {
            return "unable to get worker stats\n";
        }

        var columns = Workers.Where(column => !column.HiddenWhenZero || JobTables.Number(counts, column.Key) > 0).ToArray();
        var table = new Table(["Requested", .. columns.Select(column => column.Header)]) { BoldHeader = false };
        table.Add([Count(job.Json, "workers"), .. columns.Select(column => Count(counts, column.Key))]);
        return $"{style.Bold("worker stats")}\n{table.Render(default)}";
    }

    private static string Count(JsonElement value, string key) => JobTables.Number(value, key).ToString(CultureInfo.InvariantCulture);
}
