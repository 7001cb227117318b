using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cortex.Operator.Splitting;

/// <summary>How far a canary is; what a restart must not forget.</summary>
/// <param name="Phase">What it is doing.</param>
/// <param name="Step">Index of the step that it is at, or went back from; 0 while it waits.</param>
/// <param name="Since">When it came to that phase and step.</param>
/// <param name="Reason">Why it went back; empty otherwise.</param>
internal sealed record CanaryState(CanaryPhase Phase, int Step, DateTimeOffset Since, string Reason)
{
    /// <summary>Whether it will not move any more.</summary>
    [JsonIgnore]
    public bool HasEnded => Phase is CanaryPhase.Promoted or CanaryPhase.RolledBack;

    /// <summary>A canary that has just been deployed.</summary>
    public static CanaryState New(DateTimeOffset now) => new(CanaryPhase.Waiting, 0, now, "");

    /// <summary>Reads what <see cref="ToText"/> wrote.</summary>
    /// <exception cref="JsonException">It is malformed.</exception>
    public static CanaryState Parse(string text) =>
        JsonSerializer.Deserialize(text, CanaryJson.Default.CanaryState) ?? throw new JsonException("a stored canary is empty");

    /// <summary>The text that the store keeps.</summary>
    public string ToText() => JsonSerializer.Serialize(this, CanaryJson.Default.CanaryState);
}

/// <summary>How canaries are kept.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(CanaryState))]
internal sealed partial class CanaryJson : JsonSerializerContext;
