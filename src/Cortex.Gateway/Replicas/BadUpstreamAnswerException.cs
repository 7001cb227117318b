namespace Cortex.Gateway.Replicas;

/// <summary>A replica sent something that is no well-formed HTTP answer, or less than a whole one.</summary>
public sealed class BadUpstreamAnswerException : IOException
{
    /// <summary>Says what is wrong with the answer.</summary>
    public BadUpstreamAnswerException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
