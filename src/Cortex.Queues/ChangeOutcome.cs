namespace Cortex.Queues;

/// <summary>What became of the wish to cancel a message or to put it back.</summary>
/// <param name="Done">Whether this call changed it.</param>
/// <param name="Status">What it is now; null when there is no such message in the queue.</param>
public readonly record struct ChangeOutcome(bool Done, MessageStatus? Status);
