using System.Text.Json;
using Cortex.Client.Calling;

namespace Cortex.Client;

/// <summary>One try that came to nothing: of a request, or of a batch.</summary>
public sealed record Attempt
{
    /// <summary>When it began.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>The replica or worker.</summary>
    public string Worker { get; init; } = "";

    /// <summary>Why it failed, as a word such as <c>timeout</c>; empty when there is none.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Why it failed, as a sentence; empty when there is none.</summary>
    public string Message { get; init; } = "";

    /// <summary>The status that the container answered with; null when it did not answer.</summary>
    public int? StatusCode { get; init; }

    /// <summary>The beginning of what it answered; empty when it did not answer.</summary>
    public string Answer { get; init; } = "";

    // Those of requests and of batches name some things differently.
    internal static Attempt Read(JsonElement json) => new()
    {
        Started = json.Time("started") ?? json.Time("start_time"),
        Ended = json.Time("ended") ?? json.Time("end_time"),
        Worker = json.Text("worker"),
        Reason = json.Text("reason"),
        Message = json.Text("message"),
        StatusCode = (int?)(json.Number("status_code") ?? json.Number("status")),
        Answer = json.Text("answer"),
    };
}
