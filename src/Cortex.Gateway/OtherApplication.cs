using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway;

/// <summary>An application that shares a listener with the APIs, chosen by host name for instance.</summary>
/// <param name="Matches">Whether a request is for it. Called for every request of the listener; must not block.</param>
/// <param name="Handler">
/// Answers the request, on the thread pool. <see cref="HttpContext.RequestServices"/> is not set: the handler brings
/// its own.
/// </param>
public sealed record OtherApplication(Func<HttpContext, bool> Matches, RequestDelegate Handler);
