using Cortex.Core.Errors;

namespace Cortex.Client.Requests;

/// <summary>An Async API can't be asked now; a moment later it may.</summary>
internal sealed class ApiUnavailableException(CortexException error) : Exception(error.Message, error)
{
    /// <summary>What to tell people when it does not get better.</summary>
    public CortexException Error { get; } = error;
}
