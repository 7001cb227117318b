using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Routing;

/// <summary>Answers the requests of an endpoint itself, instead of a replica.</summary>
public interface IEndpointHandler
{
    /// <summary>Answers one request. The thread serves sockets: it must not be blocked.</summary>
    /// <param name="http">The request.</param>
    /// <param name="target">Its target as it came, never decoded.</param>
    /// <param name="start">Where in <paramref name="target"/> what follows the endpoint begins: a slash, or <paramref name="end"/>.</param>
    /// <param name="end">Where in <paramref name="target"/> the path ends: at a question mark, or the target's length.</param>
    Task HandleAsync(HttpContext http, string target, int start, int end);
}
