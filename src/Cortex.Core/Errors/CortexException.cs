using Cortex.Core.Wire;

namespace Cortex.Core.Errors;

/// <summary>An error that a user caused or can mend. Its kind is part of the HTTP contract.</summary>
public sealed class CortexException : Exception
{
    /// <summary>Creates an error.</summary>
    /// <param name="kind">A dotted name such as <c>resources.api_not_deployed</c>; <c>error</c> for errors from elsewhere.</param>
    /// <param name="message">What is wrong and how to mend it.</param>
    /// <param name="innerException">What caused it.</param>
    public CortexException(string kind, string message, Exception? innerException = null)
        : base(message, innerException) => Kind = kind;

    /// <summary>The error kind of the HTTP contract.</summary>
    public string Kind { get; }

    /// <summary>The errors of a configuration file with their places, where an operator told them; else empty.</summary>
    public IReadOnlyList<ErrorPlace> Places { get; init; } = [];
}
