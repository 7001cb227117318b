namespace Cortex.Queues;

/// <summary>The right to work on a message until it expires or is ended.</summary>
/// <param name="Id">The message.</param>
/// <param name="Token">Tells this lease from every other of the message.</param>
public readonly record struct Lease(MessageId Id, long Token);
