using System.Text.Json;
using Cortex.Jobs.Batch.Submissions;

namespace Cortex.Jobs.Batch;

/// <summary>Writes batch jobs as the contract has them.</summary>
public static class BatchJson
{
    /// <summary>The specification of a batch job (http-api.md 5.2): the answer to its submission, and what its containers see.</summary>
    /// <param name="job">The job.</param>
    /// <param name="config">Its configuration as JSON.</param>
    /// <param name="indented">For people.</param>
    public static string Job(JobRecord job, ReadOnlySpan<byte> config, bool indented = false)
    {
        ArgumentNullException.ThrowIfNull(job);
        var copy = JobJson.Parse(config);
        return JobJson.Write(json =>
        {
            json.WriteStartObject();
            WriteJob(json, job, copy);
            json.WriteEndObject();
        }, indented);
    }

    /// <summary>Writes the fields of a job into an object that was begun.</summary>
    /// <param name="json">The object.</param>
    /// <param name="job">The job.</param>
    /// <param name="config">Its configuration.</param>
    internal static void WriteJob(Utf8JsonWriter json, JobRecord job, JsonElement config)
    {
        var batch = job.Batch ?? throw new ArgumentException($"job {job.Id} is no batch job", nameof(job));
        JobJson.WriteName(json, job);
        WriteDeadLetters(json, batch.Settings.DeadLetters);
        JobJson.WriteSettings(json, job, config);
        json.WriteString("sqs_url", "");   // there is no queue of Amazon's behind it
        if (batch.Enqueued.Batches > 0)
        {
            json.WriteNumber("total_batch_count", batch.Enqueued.Batches);
        }

        JobJson.WriteBegin(json, job);
        if (batch.RetryOf is { } old)
        {
            json.WriteString("retry_of", old);
        }
    }

    private static void WriteDeadLetters(Utf8JsonWriter json, DeadLetterPolicy? policy)
    {
        if (policy?.Arn is not { } arn)
        {
            json.WriteNull("sqs_dead_letter_queue");
        }
        else
        {
            json.WriteStartObject("sqs_dead_letter_queue");
            json.WriteString("arn", arn);
            json.WriteNumber("max_receive_count", policy.MaxReceiveCount);
            json.WriteEndObject();
        }

        if (policy is { Arn: null })
        {
            json.WriteStartObject("dead_letter_queue");
            json.WriteNumber("max_receive_count", policy.MaxReceiveCount);
            json.WriteEndObject();
        }
    }
}
