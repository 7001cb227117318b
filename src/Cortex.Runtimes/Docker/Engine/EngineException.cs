using System.Net;

namespace Cortex.Runtimes.Docker.Engine;

/// <summary>The engine answered a call with an error.</summary>
/// <param name="status">Its HTTP status; 200 when the error came inside a progress stream.</param>
/// <param name="message">The engine's own words.</param>
internal sealed class EngineException(HttpStatusCode status, string message) : Exception(message)
{
    public HttpStatusCode Status => status;

    public bool NotFound => status is HttpStatusCode.NotFound;

    /// <summary>Whether a network (403) or a volume (409) is used by a container.</summary>
    public bool InUse => status is HttpStatusCode.Forbidden or HttpStatusCode.Conflict;

    public bool Conflict => status is HttpStatusCode.Conflict;
}
