using System.Diagnostics.CodeAnalysis;
using Cortex.Async.Callbacks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Cortex.Async.Endpoint;

/// <summary>What a client wishes for a request, by headers that are all optional.</summary>
/// <param name="IdempotencyKey">Finds an earlier request with the same key; null for none.</param>
/// <param name="Priority">0 to 9.</param>
/// <param name="Delay">How long it must wait at least.</param>
/// <param name="CallbackUrl">Where to POST the final state; empty for nowhere.</param>
internal readonly record struct SubmitHeaders(string? IdempotencyKey, int Priority, TimeSpan Delay, string CallbackUrl)
{
    /// <summary>The header of the idempotency key.</summary>
    public const string KeyHeader = "Idempotency-Key";

    /// <summary>The header of the priority.</summary>
    public const string PriorityHeader = "X-Cortex-Priority";

    /// <summary>The header of the delay.</summary>
    public const string DelayHeader = "X-Cortex-Delay";

    /// <summary>The header of the callback's URL.</summary>
    public const string CallbackHeader = "X-Cortex-Callback-URL";

    private const int MaxKeyLength = 255;

    /// <summary>Reads the headers; false with a sentence when one of them is wrong.</summary>
    public static bool TryRead(
        IHeaderDictionary headers, TimeSpan retention, TargetRules targets, out SubmitHeaders wish, [NotNullWhen(false)] out string? trouble)
    {
        string? key = null;
        var priority = 0;
        var delay = TimeSpan.Zero;
        var callback = "";
        trouble = null;
        wish = default;
        if (headers.TryGetValue(KeyHeader, out var values))
        {
            key = Single(values);
            if (key is not { Length: > 0 and <= MaxKeyLength } || key.AsSpan().ContainsAnyExceptInRange('!', '~'))
            {
                trouble = $"{KeyHeader} must be sent once, with 1 to {MaxKeyLength} visible ASCII characters";
                return false;
            }
        }

        if (headers.TryGetValue(PriorityHeader, out values))
        {
            if (Single(values) is not [>= '0' and <= '9'] text)
            {
                trouble = $"{PriorityHeader} must be a number from 0 (lowest) to 9";
                return false;
            }

            priority = text[0] - '0';
        }

        if (headers.TryGetValue(DelayHeader, out values))
        {
            if (!DurationText.TryParse(Single(values), out delay) || delay > retention)
            {
                trouble = $"{DelayHeader} must be whole seconds or a duration such as 90s or 1h30m, of at most {(long)retention.TotalSeconds} seconds";
                return false;
            }
        }

        if (headers.TryGetValue(CallbackHeader, out values))
        {
            callback = Single(values) ?? "";
            if (targets.Refusal(callback, out _) is { } refusal)
            {
                trouble = $"{CallbackHeader} {refusal}";
                return false;
            }
        }

        wish = new SubmitHeaders(key, priority, delay, callback);
        return true;
    }

    private static string? Single(StringValues values) => values.Count == 1 ? values[0] : null;
}
