using System.Globalization;

namespace Cortex.Client;

/// <summary>What a request of an Async API says beside its payload.</summary>
public sealed record SubmitOptions
{
    /// <summary>
    /// A second request with the same key is not done again: its answer is the first one's id. With a key, a submission whose connection breaks is
    /// repeated by itself.
    /// </summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>0 to 9; higher goes first. 0 unless set.</summary>
    public int? Priority { get; init; }

    /// <summary>Not to be begun before this time from now is over.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>Where the outcome is posted to, signed.</summary>
    public string? CallbackUrl { get; init; }

    /// <summary>Headers that the container gets; those of the connection can't be given.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    internal IEnumerable<KeyValuePair<string, string>> AllHeaders()
    {
        foreach (var header in Headers)
        {
            yield return header;
        }

        if (IdempotencyKey is not null)
        {
            yield return new("Idempotency-Key", IdempotencyKey);
        }

        if (Priority is { } priority)
        {
            yield return new("X-Cortex-Priority", priority.ToString(CultureInfo.InvariantCulture));
        }

        if (Delay is { } delay)
        {
            yield return new("X-Cortex-Delay", string.Create(CultureInfo.InvariantCulture, $"{delay.TotalSeconds:0.###}s"));
        }

        if (CallbackUrl is not null)
        {
            yield return new("X-Cortex-Callback-URL", CallbackUrl);
        }
    }
}
