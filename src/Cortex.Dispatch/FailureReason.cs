namespace Cortex.Dispatch;

/// <summary>Why an attempt did not complete its request, as clients see it.</summary>
public static class FailureReason
{
    /// <summary>The container answered with another status than 2xx; redirects are not followed.</summary>
    public const string BadStatus = "bad_status";

    /// <summary>The answer is none of JSON by its Content-Type, or is compressed.</summary>
    public const string BadContentType = "bad_content_type";

    /// <summary>The answer's body is not one JSON value.</summary>
    public const string NotJson = "not_json";

    /// <summary>The answer is larger than the API's max_result.</summary>
    public const string AnswerTooLarge = "answer_too_large";

    /// <summary>The container broke its answer off, or gave none, and lives.</summary>
    public const string BrokenAnswer = "broken_answer";

    /// <summary>The attempt took longer than the API's timeout.</summary>
    public const string Timeout = "timeout";

    /// <summary>The payload is gone from the blob store.</summary>
    public const string PayloadMissing = "payload_missing";

    /// <summary>The replica died or left while it worked; not the request's fault, unless it happens too often.</summary>
    public const string ReplicaLost = "replica_lost";
}
