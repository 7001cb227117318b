using Cortex.Async.Callbacks;
using Cortex.Queues;

namespace Cortex.Async.Endpoint;

/// <summary>What became of a request's callback.</summary>
/// <param name="Url">Where it goes.</param>
/// <param name="Status"><c>pending</c>, <c>delivered</c> or <c>failed</c>.</param>
/// <param name="FinishedAt">When it was delivered or given up; null before.</param>
/// <param name="Attempts">The latest attempts that failed, oldest first.</param>
internal sealed record CallbackState(string Url, string Status, DateTimeOffset? FinishedAt, IReadOnlyList<Attempt> Attempts)
{
    /// <summary>Reads it from the request, and from its follow-up in the queue of callbacks; null when none was asked for or it is known no more.</summary>
    public static async ValueTask<CallbackState?> ReadAsync(IQueueStore store, MessageRecord record, CancellationToken cancellationToken)
    {
        if (record.FinishedAt is null)
        {
            return MessageHead.TryParse(record.Head, out var head) && head.CallbackUrl is { } url ? Pending(url) : null;
        }

        if (record.FollowUp is not { } id || await store.GetAsync(QueueNames.Callbacks, id, cancellationToken) is not { } delivery)
        {
            return null;
        }

        var status = delivery.Status switch
        {
            MessageStatus.Waiting or MessageStatus.Leased => "pending",
            MessageStatus.Completed => "delivered",
            _ => "failed",
        };
        return DeliveryRecord.UrlOf(delivery) is { } target ? new CallbackState(target, status, delivery.FinishedAt, delivery.Attempts) : null;
    }

    private static CallbackState Pending(string url) => new(url, "pending", null, []);
}
