using System.Text.Json;
using Cortex.Client.Calling;

namespace Cortex.Client;

/// <summary>A request in a list.</summary>
public sealed record RequestSummary
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary><c>in_queue</c>, <c>in_progress</c>, <c>completed</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public required string Status { get; init; }

    /// <summary>0 to 9; higher goes first.</summary>
    public int Priority { get; init; }

    /// <summary>When it was submitted.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>When it became final; null before.</summary>
    public DateTimeOffset? EndTime { get; init; }

    /// <summary>The whole entry.</summary>
    public JsonElement Json { get; init; }

    internal static RequestSummary Read(JsonElement json) => new()
    {
        Id = json.Text("id"),
        Status = json.Text("status"),
        Priority = (int)(json.Number("priority") ?? 0),
        Created = json.Time("created"),
        EndTime = json.Time("timestamp"),
        Json = json,
    };
}
