using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cortex.Queues;

/// <summary>How stores keep the attempts of a message: UTF-8 JSON, oldest first, the latest ones only.</summary>
internal static class AttemptCodec
{
    private const int MaxText = 1024;

    /// <summary>The attempts kept so far with one more. Texts that are too long are cut.</summary>
    public static byte[] Append(ReadOnlySpan<byte> kept, Attempt attempt, int keep)
    {
        var attempts = new List<Attempt>(Decode(kept)) { Cut(attempt) };
        attempts.RemoveRange(0, Math.Max(0, attempts.Count - keep));
        return JsonSerializer.SerializeToUtf8Bytes(attempts, AttemptJson.Default.ListAttempt);
    }

    /// <summary>The attempts, oldest first; none for no bytes.</summary>
    public static IReadOnlyList<Attempt> Decode(ReadOnlySpan<byte> kept) =>
        kept.IsEmpty ? [] : JsonSerializer.Deserialize(kept, AttemptJson.Default.ListAttempt) ?? [];

    private static Attempt Cut(Attempt attempt) => attempt with
    {
        Worker = Cut(attempt.Worker),
        Reason = Cut(attempt.Reason),
        Message = Cut(attempt.Message),
        Answer = Cut(attempt.Answer),
    };

    private static string Cut(string text) => text.Length <= MaxText ? text : text[..MaxText];
}

/// <summary>JSON of attempts without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(List<Attempt>))]
internal sealed partial class AttemptJson : JsonSerializerContext;
