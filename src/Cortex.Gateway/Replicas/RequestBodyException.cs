namespace Cortex.Gateway.Replicas;

/// <summary>The body of a request could not be read from its source; its replica got a part at most, and is not at fault.</summary>
public sealed class RequestBodyException : IOException
{
    /// <summary>Says what went wrong; <paramref name="inner"/> is what the source threw.</summary>
    public RequestBodyException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
