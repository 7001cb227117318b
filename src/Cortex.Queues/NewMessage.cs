namespace Cortex.Queues;

/// <summary>A message to put into a queue.</summary>
public sealed record NewMessage
{
    /// <summary>From <see cref="IQueueStore.NewId"/>, used for this message only.</summary>
    public required MessageId Id { get; init; }

    /// <summary>The queue; it has been configured.</summary>
    public required string Queue { get; init; }

    /// <summary>What the sender wants to be kept beside the payload: headers, a callback's address. Opaque to the store, at most 64 KiB.</summary>
    public ReadOnlyMemory<byte> Head { get; init; }

    /// <summary>The payload.</summary>
    public Body Payload { get; init; }

    /// <summary>0 to 9; higher is leased first.</summary>
    public int Priority { get; init; }

    /// <summary>How long it must not be leased yet; zero for at once.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>
    /// Another message of this queue with the same key, of any age within the queue's retention, is taken for this one.
    /// Null for none; at most 255 characters.
    /// </summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Kept with the key, to tell another payload under the same key from a repetition; at most 64 bytes, empty for none, which goes with every other.</summary>
    public ReadOnlyMemory<byte> Digest { get; init; }

    /// <summary>
    /// When this message becomes final, the same commit puts a message into the queue of this name: with this message's
    /// <see cref="Head"/> and the text of its id as payload. Null for none. The queue has been configured.
    /// </summary>
    public string? FollowUpQueue { get; init; }

    /// <summary>Whether two digests are of different payloads.</summary>
    internal static bool AreOthers(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other) => !one.IsEmpty && !other.IsEmpty && !one.SequenceEqual(other);
}
