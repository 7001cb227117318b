using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Sqlite;

/// <summary>Lists messages of a queue, newest first, from wherever messages of the wanted status are.</summary>
internal static class MessageLister
{
    /// <param name="reader">The file.</param>
    /// <param name="live">The memory.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="query">What is asked for.</param>
    /// <param name="leased">Messages of the queue that were worked on a moment ago, newest first.</param>
    public static MessagePage List(ReadStatements reader, LiveMessages live, QueueState queue, MessageQuery query, IReadOnlyList<long> leased)
    {
        var before = query.Cursor ?? long.MaxValue;
        var rows = new List<MessageRecord>();
        switch (query.Status)
        {
            case MessageStatus.Leased:
                return Leased(reader, queue, before, query.Limit, leased);
            case MessageStatus.Waiting or null:
                reader.ListLive(queue.Number, before, query.Limit, rows);
                break;
        }

        if (query.Status is MessageStatus.Completed or null)
        {
            reader.ListResults(queue.Number, before, query.Limit, rows);
        }

        foreach (var final in new[] { MessageStatus.Failed, MessageStatus.Cancelled })
        {
            if (query.Status == final || query.Status is null)
            {
                reader.ListFinal(queue.Number, final, before, query.Limit, rows);
            }
        }

        // Read at different moments, a message that just ended can be there twice: the later state counts.
        var page = rows.GroupBy(r => r.Id.Sequence).Select(g => g.MaxBy(r => r.Status)!).OrderByDescending(r => r.Id.Sequence).Take(query.Limit).ToArray();
        var next = page.Length == query.Limit ? page[^1].Id.Sequence : (long?)null;
        var set = leased.ToHashSet();
        var records = page.Select(r => SqliteQueueStore.WithLive(r, set.Contains(r.Id.Sequence), live.IsDelayed(r.Id.Sequence)));
        return new MessagePage([.. records.Where(r => query.Status is null || r.Status == query.Status)], next);
    }

    private static MessagePage Leased(ReadStatements reader, QueueState queue, long before, int limit, IReadOnlyList<long> leased)
    {
        var page = leased.Where(s => s < before).Take(limit).ToArray();
        var records = page
            .Select(s => reader.FindMessage(queue.Number, s))
            .OfType<MessageRecord>()
            .Where(r => r.Status == MessageStatus.Waiting)
            .Select(r => SqliteQueueStore.WithLive(r, leased: true, delayed: false) with { Head = default, Payload = null });
        return new MessagePage([.. records], page.Length == limit ? page[^1] : null);
    }
}
