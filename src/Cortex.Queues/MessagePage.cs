namespace Cortex.Queues;

/// <summary>Some messages of a queue, newest first, without payloads, results and attempts.</summary>
/// <param name="Messages">Perhaps fewer than were asked for although there are more.</param>
/// <param name="Next">Where the next page begins; null when this was the last.</param>
public sealed record MessagePage(IReadOnlyList<MessageRecord> Messages, long? Next);
