using System.Text;
using Cortex.Queues;

namespace Cortex.Async.Callbacks;

/// <summary>One attempt at one callback.</summary>
internal sealed class Delivery(LeasedMessage message, DateTimeOffset started)
{
    /// <summary>The receiver did not answer in time.</summary>
    public const string TimedOut = "timeout";

    /// <summary>It was not tried, as its receiver is slow. Not a failure, and not shown to clients.</summary>
    public const string Postponed = "postponed";

    private const int MaxExplanation = 1024;
    private string _answer = "";
    private int? _status;

    public LeasedMessage Message { get; } = message;

    public string ApiName { get; private set; } = "";

    /// <summary>The request that is told about.</summary>
    public MessageId RequestId { get; private set; }

    public string Url { get; private set; } = "";

    /// <summary>Host and port that it occupies; null before it goes out.</summary>
    public string? Target { get; set; }

    /// <summary>Why it failed, as a word; empty before.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Why it failed, in a sentence.</summary>
    public string Explanation { get; private set; } = "";

    /// <summary>What only the log is told of the failure; null for nothing more.</summary>
    public string? Detail { get; set; }

    /// <summary>Whether trying again is of no use.</summary>
    public bool IsFinal { get; private set; }

    /// <summary>Reads the message; false when it is none of ours.</summary>
    public bool TryRead()
    {
        if (!MessageHead.TryParse(Message.Head, out var head) || head.CallbackUrl is not { } url
            || !MessageId.TryParse(Encoding.ASCII.GetString(Message.Payload.Inline.Span), out var id))
        {
            return false;
        }

        ApiName = head.ApiName;
        Url = url;
        RequestId = id;
        return true;
    }

    /// <summary>Notes a failure that may pass. Always false.</summary>
    public bool Fail(string reason, string explanation, int? status = null, string answer = "")
    {
        Reason = reason;
        Explanation = explanation.Length <= MaxExplanation ? explanation : explanation[..MaxExplanation];
        _status = status;
        _answer = answer;
        return false;
    }

    /// <summary>Notes a failure that does not pass. Always false.</summary>
    public bool GiveUp(string reason, string explanation)
    {
        IsFinal = true;
        return Fail(reason, explanation);
    }

    /// <summary>The failed attempt as it is recorded.</summary>
    public Attempt ToAttempt(DateTimeOffset ended) => new()
    {
        Started = started,
        Ended = ended,
        Worker = QueueNames.Callbacks,
        Reason = Reason,
        Message = Explanation,
        StatusCode = _status,
        Answer = _answer,
    };
}
