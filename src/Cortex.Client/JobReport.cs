using System.Text.Json;
using Cortex.Client.Calling;
using Cortex.Core.Errors;

namespace Cortex.Client;

/// <summary>A job with how far it is.</summary>
/// <param name="json">The whole answer.</param>
public sealed class JobReport(JsonElement json)
{
    /// <summary>The whole answer.</summary>
    public JsonElement Json { get; } = json;

    /// <summary>The job with its status.</summary>
    public Job Job => new(Json.Member("job_status"));

    /// <summary>The job's status.</summary>
    public string Status => Job.Status;

    /// <summary>Whether the status is final.</summary>
    public bool IsFinal => Job.IsFinal;

    /// <summary>The batches of a batch job that succeeded.</summary>
    public long SucceededBatches => Json.Member("metrics").Number("succeeded") ?? 0;

    /// <summary>Attempts at batches that failed.</summary>
    public long FailedAttempts => Json.Member("metrics").Number("failed") ?? 0;

    /// <summary>How long a batch that succeeded took on average; null before the first has.</summary>
    public TimeSpan? AverageTimePerBatch =>
        Json.Member("metrics").Member("average_time_per_batch") is { ValueKind: JsonValueKind.Number } seconds ? TimeSpan.FromSeconds(seconds.GetDouble()) : null;

    /// <summary>The URL that tells of this job.</summary>
    public string Endpoint => Json.Text("endpoint");

    /// <summary>Makes an error of it unless the job has succeeded.</summary>
    /// <returns>This report.</returns>
    /// <exception cref="CortexException">It has not (<see cref="ClientErrorKinds.JobFailed"/>); the message has its last lines.</exception>
    public JobReport EnsureSucceeded()
    {
        Job.EnsureSucceeded();
        return this;
    }
}
