using System.Text;
using Cortex.Queues;

namespace Cortex.Async.Callbacks;

/// <summary>How a callback's message tells its URL: by its head, and by its result once it is delivered and the head is gone.</summary>
internal static class DeliveryRecord
{
    /// <summary>The result of a delivered callback.</summary>
    public static Body ResultOf(string url) => Body.Of(Encoding.Latin1.GetBytes(url));

    /// <summary>The URL that a callback goes to, or went to; null when its message is none of ours.</summary>
    public static string? UrlOf(MessageRecord delivery) => delivery.Result is { } result
        ? Encoding.Latin1.GetString(result.Inline.Span)
        : MessageHead.TryParse(delivery.Head, out var head) ? head.CallbackUrl : null;
}
