using System.Text.Json;
using Cortex.Client.Calling;

namespace Cortex.Client.Jobs;

/// <summary>A part of the list of batches that a job gave up.</summary>
internal sealed class DeadLetterPage(JsonElement json)
{
    /// <summary>The whole answer.</summary>
    public JsonElement Json { get; } = json;

    public IEnumerable<DeadLetter> Letters => Json.Items("dead_letters").Select(letter => new DeadLetter(letter));

    /// <summary>What leads to the next; null at the end.</summary>
    public string? Cursor => Json.Text("cursor") is { Length: > 0 } cursor ? cursor : null;
}
