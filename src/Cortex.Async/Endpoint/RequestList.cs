using System.Globalization;
using Cortex.Background;
using Cortex.Queues;

namespace Cortex.Async.Endpoint;

/// <summary>Lists the requests of an API, for whoever may see all of them: ids are the keys to their requests.</summary>
public static class RequestList
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 1000;

    /// <summary>One page, newest first, as JSON.</summary>
    /// <param name="store">Has the requests.</param>
    /// <param name="apiName">The Async API.</param>
    /// <param name="query">What is asked for, as it came.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ArgumentException">The query is malformed; the message says how.</exception>
    /// <exception cref="IOException">The store can't be read.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(IQueueStore store, string apiName, RequestQuery query, CancellationToken cancellationToken)
    {
        MessageStatus? status = null;
        if (query.Status is { } word)
        {
            status = StatusWords.TryParse(word, out var known) ? known : throw new ArgumentException("status must be one of in_queue, in_progress, completed, failed, cancelled");
        }

        var limit = DefaultLimit;
        if (query.Limit is { } number && (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxLimit))
        {
            throw new ArgumentException($"limit must be a number from 1 to {MaxLimit}");
        }

        long? cursor = null;
        if (query.Cursor is { } place)
        {
            cursor = long.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : throw new ArgumentException("cursor must be what an earlier list gave");
        }

        await PoolHop.LeaveSocketThread();
        return RequestDocument.Of(await store.ListAsync(QueueNames.Of(apiName), new MessageQuery(status, limit, cursor), cancellationToken));
    }
}
