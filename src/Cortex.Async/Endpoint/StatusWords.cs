using Cortex.Queues;

namespace Cortex.Async.Endpoint;

/// <summary>What clients call the states of a request.</summary>
internal static class StatusWords
{
    /// <summary>The word for a state.</summary>
    public static string Of(MessageStatus status) => status switch
    {
        MessageStatus.Waiting => "in_queue",
        MessageStatus.Leased => "in_progress",
        MessageStatus.Completed => "completed",
        MessageStatus.Failed => "failed",
        MessageStatus.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "no such state"),
    };

    /// <summary>The state that a word stands for.</summary>
    public static bool TryParse(string word, out MessageStatus status)
    {
        (status, var known) = word switch
        {
            "in_queue" => (MessageStatus.Waiting, true),
            "in_progress" => (MessageStatus.Leased, true),
            "completed" => (MessageStatus.Completed, true),
            "failed" => (MessageStatus.Failed, true),
            "cancelled" => (MessageStatus.Cancelled, true),
            _ => (default, false),
        };
        return known;
    }
}
