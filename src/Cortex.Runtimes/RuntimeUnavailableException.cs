namespace Cortex.Runtimes;

/// <summary>The backend can't be reached or refuses to work with us.</summary>
/// <param name="message">What is wrong and how to mend it.</param>
/// <param name="innerException">What caused it.</param>
public sealed class RuntimeUnavailableException(string message, Exception? innerException = null)
    : Exception(message, innerException);
