namespace Cortex.Async.Endpoint;

/// <summary>A payload that is not taken.</summary>
internal sealed class PayloadException(int status, string message) : Exception(message)
{
    /// <summary>The status code to answer with.</summary>
    public int Status { get; } = status;
}
