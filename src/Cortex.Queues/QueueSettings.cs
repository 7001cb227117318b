namespace Cortex.Queues;

/// <summary>What a queue keeps.</summary>
/// <param name="Retention">Final messages, their results and idempotency keys are kept this long; at least a second.</param>
public sealed record QueueSettings(TimeSpan Retention);
