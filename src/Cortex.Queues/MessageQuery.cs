namespace Cortex.Queues;

/// <summary>Which messages to list, newest first.</summary>
/// <param name="Status">Only these; null for all.</param>
/// <param name="Limit">At most so many; 1 to 1000.</param>
/// <param name="Cursor">Goes on behind an earlier page's <see cref="MessagePage.Next"/>; null for the first page.</param>
public readonly record struct MessageQuery(MessageStatus? Status, int Limit, long? Cursor);
