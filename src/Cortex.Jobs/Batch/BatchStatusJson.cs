using System.Buffers;
using System.Text;
using System.Text.Json;
using Cortex.Core.Wire;
using Cortex.Queues;
using Cortex.Runtimes;

namespace Cortex.Jobs.Batch;

/// <summary>Writes how batch jobs are, with the names of both Cortex's code and its documentation.</summary>
public static class BatchStatusJson
{
    /// <summary>A batch job with its status (http-api.md 5.3).</summary>
    public static JsonElement Status(JobView view, ReadOnlySpan<byte> config)
    {
        ArgumentNullException.ThrowIfNull(view);
        using var job = JsonDocument.Parse(BatchJson.Job(view.Record, config));
        using var document = JsonDocument.Parse(Write(json =>
        {
            json.WriteStartObject();
            foreach (var property in job.RootElement.EnumerateObject())
            {
                if (!property.NameEquals("total_batch_count"u8))
                {
                    property.WriteTo(json);
                }
            }

            WriteStatus(json, view);
            json.WriteEndObject();
        }));
        return document.RootElement.Clone();
    }

    /// <summary>The counts of a job's batches, as the answer about one job has them beside its status.</summary>
    public static void WriteMetrics(Utf8JsonWriter json, string name, BatchProgress progress)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(progress);
        json.WriteStartObject(name);
        json.WriteNumber("succeeded", progress.Succeeded);
        json.WriteNumber("failed", progress.Failed);
        WriteSeconds(json, "average_time_per_batch", progress.AverageSeconds);
        WriteSeconds(json, "avg_time_per_batch", progress.AverageSeconds);
        json.WriteEndObject();
    }

    /// <summary>Batches that a job gave up: ours.</summary>
    public static string DeadLetters(DeadLetterPage page)
    {
        ArgumentNullException.ThrowIfNull(page);
        return Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("dead_letters");
            foreach (var letter in page.Batches)
            {
                WriteLetter(json, letter);
            }

            json.WriteEndArray();
            if (page.Next is { } next)
            {
                json.WriteString("cursor", next);
            }

            json.WriteEndObject();
        });
    }

    private static void WriteStatus(Utf8JsonWriter json, JobView view)
    {
        var job = view.Record;
        var progress = view.Batch ?? new BatchProgress();
        if (progress.TotalBatches > 0)
        {
            json.WriteNumber("total_batch_count", progress.TotalBatches);
        }

        if (job.EndedAt is { } end)
        {
            json.WriteString("end_time", JobJson.Time(end));
        }

        json.WriteString("status", job.ToldStatus.Code());
        json.WriteNumber("batches_in_queue", progress.BatchesInQueue);
        if (!job.Status.IsFinal())
        {
            WriteWorkers(json, progress.WorkerCounts);
        }

        WriteMetrics(json, "batch_metrics", progress);
        WriteOurs(json, view, progress);
    }

    // The states as Cortex's code names them, then what its documentation calls them. A sum that is zero is left out.
    private static void WriteWorkers(Utf8JsonWriter json, IReadOnlyDictionary<PodState, int> counts)
    {
        json.WriteStartObject("worker_counts");
        foreach (var state in Enum.GetValues<PodState>())
        {
            WriteCount(json, JobJson.CountName(state), Count(state));
        }

        WriteCount(json, "initializing", Count(PodState.Creating) + Count(PodState.NotReady) + Count(PodState.ErrImagePull));
        WriteCount(json, "running", Count(PodState.Ready));
        json.WriteEndObject();

        int Count(PodState state) => counts.GetValueOrDefault(state);
    }

    private static void WriteCount(Utf8JsonWriter json, string name, int count)
    {
        if (count > 0)
        {
            json.WriteNumber(name, count);
        }
    }

    private static void WriteOurs(Utf8JsonWriter json, JobView view, BatchProgress progress)
    {
        var job = view.Record;
        if (progress.Failed > 0)
        {
            json.WriteNumber("dead_letters", progress.Failed);
        }

        if (job.StartedAt is { } started)
        {
            json.WriteString("process_start_time", JobJson.Time(started));
        }

        JobJson.WriteOutcome(json, view);
    }

    private static void WriteLetter(Utf8JsonWriter json, DeadLetter letter)
    {
        json.WriteStartObject();
        json.WriteString("id", letter.Id);
        if (letter.FinishedAt is { } at)
        {
            json.WriteString("end_time", JobJson.Time(at));
        }

        json.WriteStartArray("attempts");
        foreach (var attempt in letter.Attempts)
        {
            WriteAttempt(json, attempt);
        }

        json.WriteEndArray();
        json.WritePropertyName("batch");
        json.WriteRawValue(letter.Batch.Span);
        json.WriteEndObject();
    }

    private static void WriteAttempt(Utf8JsonWriter json, Attempt attempt)
    {
        json.WriteStartObject();
        json.WriteString("start_time", JobJson.Time(attempt.Started));
        json.WriteString("end_time", JobJson.Time(attempt.Ended));
        json.WriteString("worker", attempt.Worker);
        json.WriteString("reason", attempt.Reason);
        json.WriteString("message", attempt.Message);
        if (attempt.StatusCode is { } status)
        {
            json.WriteNumber("status", status);
        }

        json.WriteString("answer", attempt.Answer);
        json.WriteEndObject();
    }

    private static void WriteSeconds(Utf8JsonWriter json, string name, double? seconds)
    {
        if (seconds is { } value)
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = GoJsonEncoder.Instance }))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
