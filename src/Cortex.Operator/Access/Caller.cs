using Cortex.Core.Specs;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Access;

/// <summary>Who sends a request that needs a token; kept with the request.</summary>
/// <param name="ApiName">The API in whose containers the token is; null for the cluster's own token.</param>
/// <param name="Access">What the token opens.</param>
internal sealed record Caller(string? ApiName, ClientAccess Access)
{
    /// <summary>Whoever has the cluster's own token.</summary>
    public static readonly Caller Owner = new(null, ClientAccess.Admin);

    /// <summary>Whether the caller reached the operator by a name that only containers know, and so reaches the APIs by theirs.</summary>
    public bool IsInside { get; init; }

    /// <summary>Whether nothing is kept from this caller.</summary>
    public bool IsAdmin => Access == ClientAccess.Admin;

    /// <summary>Whether other APIs than his own exist for this caller.</summary>
    public bool FindsOthers => Access >= ClientAccess.Submit;

    /// <summary>The caller of a request whose route needs a token.</summary>
    public static Caller Of(HttpContext context) => context.Features.Get<Caller>() ?? throw new InvalidOperationException("the route needs no token, so that its caller is unknown");

    /// <summary>Whether the API is the caller's own.</summary>
    public bool Owns(string apiName) => apiName == ApiName;

    /// <summary>Whether the caller sees what an API is made of, and how it does.</summary>
    public bool MayRead(string apiName) => IsAdmin || (Owns(apiName) && Access >= ClientAccess.Read);
}
