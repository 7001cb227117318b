namespace Cortex.Async.Callbacks;

/// <summary>A target may not be called, or its name is not known. The message is for the log: what this server's network says of a name is nobody else's business.</summary>
internal sealed class TargetRefusedException(string message, bool isByName, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether a name was looked up; else the URL has the address itself.</summary>
    public bool IsByName => isByName;
}
