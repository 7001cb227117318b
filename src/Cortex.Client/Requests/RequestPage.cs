using System.Text.Json;
using Cortex.Client.Calling;

namespace Cortex.Client.Requests;

/// <summary>A part of a list of requests.</summary>
internal sealed class RequestPage(JsonElement json)
{
    /// <summary>As they came.</summary>
    public IEnumerable<JsonElement> Requests => json.Items("requests");

    /// <summary>What leads to the next; null at the end.</summary>
    public string? Cursor => json.Text("cursor") is { Length: > 0 } cursor ? cursor : null;

    /// <summary>The same as it stands in the answer, quotes included.</summary>
    public string? CursorText => json.Member("cursor") is { ValueKind: not JsonValueKind.Undefined } cursor ? cursor.GetRawText() : null;

    /// <summary>Whether it is one at all.</summary>
    public bool IsOne => json.Member("requests").ValueKind == JsonValueKind.Array;
}
