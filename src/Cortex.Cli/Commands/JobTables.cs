using System.Globalization;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>What job lists say about Batch and Task APIs.</summary>
internal static class JobTables
{
    /// <summary>Jobs that are enqueuing or running.</summary>
    public static int Running(ApiResponse api) => Jobs(api).Count(job => Text(job, "status") is "enqueuing" or "running");

    /// <summary>The job that started last, or <c>-</c>.</summary>
    public static string Latest(ApiResponse api, TimeProvider time)
    {
        var latest = Jobs(api).Where(job => Time(job, "start_time") is not null).OrderByDescending(job => Time(job, "start_time")).FirstOrDefault();
        return latest.ValueKind == JsonValueKind.Undefined
            ? "-"
            : $"{Text(latest, "job_id")} (submitted {Elapsed.Format(time.GetUtcNow() - Time(latest, "start_time")!.Value)} ago)";
    }

    public static string Render(ApiKind kind, ApiResponse api, Style style, TimeProvider time)
    {
        var jobs = Jobs(api);
        if (jobs.Count == 0)
        {
            return style.Bold($"no submitted {(kind == ApiKind.BatchAPI ? "batch" : "task")} jobs") + "\n";
        }

        var table = kind == ApiKind.BatchAPI
            ? new Table("job id", "status", "total batches", "start time", "duration")
            : new Table("task job id", "status", "start time", "duration");
        foreach (var job in jobs)
        {
            string[] batches = kind == ApiKind.BatchAPI ? [Number(job, "total_batch_count").ToString(CultureInfo.InvariantCulture)] : [];
            table.Add([Text(job, "job_id"), JobStatusText.Of(Text(job, "status")), .. batches, Timestamp(Time(job, "start_time")), Duration(job, time)]);
        }

        return table.Render(style);
    }

    /// <summary>From its start to its end, or to now.</summary>
    public static string Duration(JsonElement job, TimeProvider time) =>
        Time(job, "start_time") is { } start ? GoDuration.Format(TimeSpan.FromSeconds(Math.Truncate(((Time(job, "end_time") ?? time.GetUtcNow()) - start).TotalSeconds))) : "-";

    /// <summary>Such as <c>21 Sep 21 15:04:05 UTC</c>, or <c>-</c>.</summary>
    public static string Timestamp(DateTimeOffset? time) =>
        time is { } value ? value.ToUniversalTime().ToString("dd MMM yy HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) : "-";

    public static DateTimeOffset? Time(JsonElement job, string key) =>
        job.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? ParseTime(value.GetString()) : null;

    /// <summary>A time as the operator writes it; null when it is none.</summary>
    public static DateTimeOffset? ParseTime(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static string Text(JsonElement job, string key) =>
        job.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    public static long Number(JsonElement job, string key) =>
        job.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;

    private static IReadOnlyList<JsonElement> Jobs(ApiResponse api) => api.BatchJobStatuses ?? api.TaskJobStatuses ?? [];
}
