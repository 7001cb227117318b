namespace Cortex.Gateway.Forwarding;

/// <summary>A replica sent something that is no well-formed HTTP answer.</summary>
internal sealed class BadUpstreamAnswerException(string message) : IOException(message);
