namespace Cortex.Queues;

/// <summary>How a message was put into its queue.</summary>
/// <param name="Id">The message's id: of the new one, or of the earlier one with the same idempotency key.</param>
/// <param name="IsNew">False when the earlier one was found and nothing was written.</param>
/// <param name="IsConflict">The earlier one has another <see cref="NewMessage.Digest"/>.</param>
public readonly record struct EnqueueResult(MessageId Id, bool IsNew, bool IsConflict = false);
