using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Cortex.Core.Wire;
using Cortex.Runtimes;

namespace Cortex.Jobs;

/// <summary>Writes jobs as the contract has them, with the names of both Cortex's code and its documentation.</summary>
public static class JobJson
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    /// <summary>The specification of a task job: the answer to its submission, and what its containers see.</summary>
    public static string Task(JobRecord job, ReadOnlySpan<byte> config, bool indented = false)
    {
        var copy = Parse(config);
        return Write(json =>
        {
            json.WriteStartObject();
            WriteTask(json, job, copy);
            json.WriteEndObject();
        }, indented);
    }

    /// <summary>A task job with its status.</summary>
    public static JsonElement TaskStatus(JobView view, ReadOnlySpan<byte> config)
    {
        ArgumentNullException.ThrowIfNull(view);
        var job = view.Record;
        var copy = Parse(config);
        using var document = JsonDocument.Parse(Write(json =>
        {
            json.WriteStartObject();
            WriteTask(json, job, copy);
            if (job.EndedAt is { } end)
            {
                json.WriteString("end_time", Time(end));
            }

            json.WriteString("status", job.ToldStatus.Code());
            if (!job.Status.IsFinal() && view.Worker is { } state)
            {
                json.WriteStartObject("worker_counts");
                json.WriteNumber(CountName(state), 1);
                json.WriteEndObject();
            }

            WriteOurs(json, view);
            json.WriteEndObject();
        }, indented: false));
        return document.RootElement.Clone();
    }

    /// <summary>A moment as the contract writes it.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    private static void WriteTask(Utf8JsonWriter json, JobRecord job, JsonElement config)
    {
        WriteName(json, job);
        WriteSettings(json, job, config);
        json.WriteString("spec_id", job.SpecId);
        json.WriteString("pod_id", job.PodId);
        WriteBegin(json, job);
    }

    /// <summary>Writes which job it is and its workers, as for every kind.</summary>
    internal static void WriteName(Utf8JsonWriter json, JobRecord job)
    {
        json.WriteString("job_id", job.Id);
        json.WriteString("api_name", job.ApiName);
        json.WriteString("kind", job.Kind.ToString());
        json.WriteNumber("workers", job.Workers);
    }

    /// <summary>Writes a job's configuration, timeout and version, as for every kind.</summary>
    internal static void WriteSettings(Utf8JsonWriter json, JobRecord job, JsonElement config)
    {
        json.WritePropertyName("config");
        config.WriteTo(json);
        json.WritePropertyName("timeout");
        if (job.Timeout is { } timeout)
        {
            json.WriteNumberValue(timeout);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteString("api_id", job.ApiId);
    }

    /// <summary>Writes when a job was submitted, and its place in the line, as for every kind.</summary>
    internal static void WriteBegin(Utf8JsonWriter json, JobRecord job)
    {
        json.WriteString("start_time", Time(job.CreatedAt));
        json.WriteString("created_time", Time(job.CreatedAt));
        if (job.ScheduledAt is { } scheduled)
        {
            json.WriteString("scheduled_time", Time(scheduled));
        }

        if (job.Priority > 0)
        {
            json.WriteNumber("priority", job.Priority);
        }
    }

    // What Cortex 0.42 did not tell.
    private static void WriteOurs(Utf8JsonWriter json, JobView view)
    {
        var job = view.Record;
        if (job.StartedAt is { } started)
        {
            json.WriteString("process_start_time", Time(started));
        }

        WriteOutcome(json, view);
    }

    /// <summary>Why a job is as it is.</summary>
    internal static void WriteOutcome(Utf8JsonWriter json, JobView view)
    {
        var job = view.Record;
        if (view.Message.Length > 0)
        {
            json.WriteString("message", view.Message);
        }

        if (job.ExitCode is { } code)
        {
            json.WriteNumber("exit_code", code);
        }

        if (job.MaxAttempts > 1)
        {
            json.WriteNumber("attempt", job.Attempt);
            json.WriteNumber("max_attempts", job.MaxAttempts);
        }

        if (job.LastLogLines.Count > 0)
        {
            json.WriteStartArray("last_log_lines");
            foreach (var line in job.LastLogLines)
            {
                json.WriteStringValue(line);
            }

            json.WriteEndArray();
        }
    }

    /// <summary>What <c>worker_counts</c> calls pods of a state.</summary>
    internal static string CountName(PodState state) => state switch
    {
        PodState.Pending => "pending",
        PodState.Stalled => "stalled",
        PodState.Creating => "creating",
        PodState.NotReady => "not_ready",
        PodState.Ready => "ready",
        PodState.ErrImagePull => "err_image_pull",
        PodState.Failed => "failed",
        PodState.Killed => "killed",
        PodState.KilledOOM => "killed_oom",
        PodState.Terminating => "terminating",
        PodState.Succeeded => "succeeded",
        _ => "unknown",
    };

    internal static JsonElement Parse(ReadOnlySpan<byte> config)
    {
        var reader = new Utf8JsonReader(config);
        return JsonElement.ParseValue(ref reader);
    }

    /// <summary>Nesting that a submission may have: a list of jobs must stay below the 64 levels that readers of JSON take.</summary>
    internal const int MaxDepth = 50;

    internal static string Write(Action<Utf8JsonWriter> write, bool indented)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = GoJsonEncoder.Instance, Indented = indented }))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
