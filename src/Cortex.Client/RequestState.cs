using System.Text.Json;
using Cortex.Client.Calling;
using Cortex.Core.Errors;

namespace Cortex.Client;

/// <summary>A request of an Async API.</summary>
/// <param name="json">The whole answer.</param>
public sealed class RequestState(JsonElement json)
{
    /// <summary>The whole answer.</summary>
    public JsonElement Json { get; } = json;

    /// <summary>Its id.</summary>
    public string Id => Json.Text("id");

    /// <summary><c>in_queue</c>, <c>in_progress</c>, <c>completed</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public string Status => Json.Text("status");

    /// <summary>Whether the status will not change by itself any more.</summary>
    public bool IsFinal => Status is "completed" or "failed" or "cancelled";

    /// <summary>Whether there is a result.</summary>
    public bool IsCompleted => Status == "completed";

    /// <summary>What the container answered, once it is completed; undefined before.</summary>
    public JsonElement Result => Json.Member("result");

    /// <summary>When it became final, in whole seconds; null before.</summary>
    public DateTimeOffset? EndTime => Json.Time("timestamp");

    /// <summary>When it waits for its time, that time; else null.</summary>
    public DateTimeOffset? NotBefore => Json.Time("not_before");

    /// <summary>Why it failed, as a word such as <c>timeout</c>; empty when it has not.</summary>
    public string Reason => Json.Member("error").Text("reason");

    /// <summary>Why it failed, as a sentence; empty when it has not.</summary>
    public string Message => Json.Member("error").Text("message");

    /// <summary>The latest attempts that came to nothing.</summary>
    public IReadOnlyList<Attempt> Attempts => [.. Json.Items("attempts").Select(Attempt.Read)];

    /// <summary>The result, or an error that says why there is none.</summary>
    /// <exception cref="CortexException">It failed or was cancelled (<see cref="ClientErrorKinds.RequestFailed"/>), or is not final.</exception>
    public JsonElement EnsureCompleted()
    {
        if (IsCompleted)
        {
            return Result;
        }

        var why = Message.Length > 0 ? Message : Reason;
        var answer = Attempts.LastOrDefault(attempt => attempt.Answer.Length > 0)?.Answer.Trim();
        throw new CortexException(
            ClientErrorKinds.RequestFailed,
            (Status == "cancelled" ? $"{Id} was cancelled" : $"{Id} is {Status}{(why.Length > 0 ? $": {why}" : "")}") + (answer is null ? "" : $"\n  it answered: {answer}"));
    }
}
