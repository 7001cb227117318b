using System.Text.Json;
using Cortex.Client.Calling;

namespace Cortex.Client;

/// <summary>A batch that a job gave up.</summary>
/// <param name="json">The whole entry.</param>
public sealed class DeadLetter(JsonElement json)
{
    /// <summary>The whole entry.</summary>
    public JsonElement Json { get; } = json;

    /// <summary>Its id.</summary>
    public string Id => Json.Text("id");

    /// <summary>Its items, as a list.</summary>
    public JsonElement Batch => Json.Member("batch");

    /// <summary>The attempts at it, the last at the end.</summary>
    public IReadOnlyList<Attempt> Attempts => [.. Json.Items("attempts").Select(Attempt.Read)];
}
