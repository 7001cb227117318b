namespace Cortex.Client.Calling;

/// <summary>One call, which may be sent several times.</summary>
internal sealed record HttpCall
{
    public required HttpMethod Method { get; init; }

    public required Uri Address { get; init; }

    public IEnumerable<KeyValuePair<string, string>> Headers { get; init; } = [];

    public HttpContent? Content { get; init; }

    /// <summary>The longest wait for the answer: for all of it, or, with <see cref="HttpCompletionOption.ResponseHeadersRead"/>, for its head.</summary>
    public required TimeSpan Timeout { get; init; }

    public HttpCompletionOption Completion { get; init; } = HttpCompletionOption.ResponseHeadersRead;

    /// <summary>Whether sending it twice does nothing twice.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary>Whether the answer, which comes at once, is waited for without letting go of the thread.</summary>
    public bool OnThisThread { get; init; }
}
