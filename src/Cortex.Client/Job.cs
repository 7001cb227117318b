using System.Text.Json;
using Cortex.Client.Calling;
using Cortex.Core.Errors;

namespace Cortex.Client;

/// <summary>A job of a Batch or Task API: the answer to its submission, or a part of a <see cref="JobReport"/>.</summary>
/// <param name="json">The whole object.</param>
public sealed class Job(JsonElement json)
{
    /// <summary>The whole object.</summary>
    public JsonElement Json { get; } = json;

    /// <summary>Its id.</summary>
    public string JobId => Json.Text("job_id");

    /// <summary>The API that it was submitted to.</summary>
    public string ApiName => Json.Text("api_name");

    /// <summary><c>pending</c>, <c>running</c>, <c>succeeded</c> and so on; <c>pending</c> in the answer to a submission, which has none.</summary>
    public string Status => Json.Text("status") is { Length: > 0 } status ? status : "pending";

    /// <summary>Whether the status is final.</summary>
    public bool IsFinal => Status is not ("pending" or "enqueuing" or "running");

    /// <summary>Whether it ended well.</summary>
    public bool HasSucceeded => Status == "succeeded";

    /// <summary>How many workers it has.</summary>
    public int Workers => (int)(Json.Number("workers") ?? 0);

    /// <summary>What its submission said; null or undefined when it said nothing.</summary>
    public JsonElement Config => Json.Member("config");

    /// <summary>When it was submitted.</summary>
    public DateTimeOffset? StartTime => Json.Time("start_time");

    /// <summary>When it ended; null before.</summary>
    public DateTimeOffset? EndTime => Json.Time("end_time");

    /// <summary>What it waits for, or why it ended as it did; empty when there is nothing to say.</summary>
    public string Message => Json.Text("message");

    /// <summary>Of the container that failed first; null when none did.</summary>
    public int? ExitCode => (int?)Json.Number("exit_code");

    /// <summary>What a job that did not succeed wrote last.</summary>
    public IReadOnlyList<string> LastLogLines => [.. Json.Items("last_log_lines").Select(line => line.ToString())];

    /// <summary>Batches that were put into the queue of a batch job so far.</summary>
    public long TotalBatchCount => Json.Number("total_batch_count") ?? 0;

    /// <summary>Batches of a batch job that wait or are worked on.</summary>
    public long BatchesInQueue => Json.Number("batches_in_queue") ?? 0;

    /// <summary>Batches of a batch job that were given up and kept: <see cref="ApiJobs.DeadLettersAsync"/>.</summary>
    public long DeadLetters => Json.Number("dead_letters") ?? 0;

    /// <summary>Makes an error of it unless it has succeeded.</summary>
    /// <exception cref="CortexException">It has not (<see cref="ClientErrorKinds.JobFailed"/>); the message has its last lines.</exception>
    public void EnsureSucceeded()
    {
        if (HasSucceeded)
        {
            return;
        }

        throw new CortexException(
            ClientErrorKinds.JobFailed,
            $"job {JobId} of {ApiName} {(IsFinal ? "ended as" : "is")} {Status}{(ExitCode is { } code ? $" (exit code {code})" : "")}{(Message.Length > 0 ? $": {Message}" : "")}"
            + string.Concat(LastLogLines.Select(line => $"\n  {line}")));
    }
}
