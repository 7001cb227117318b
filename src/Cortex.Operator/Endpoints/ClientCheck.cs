using System.Security.Cryptography;
using System.Text;
using Cortex.Core.Clusters;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Cortex.Operator.Endpoints;

/// <summary>Lets a request in when its version fits and it shows a token that opens its route: the cluster's own, or that of an API's containers.</summary>
internal sealed class ClientCheck(string version, string token, ApiTokens apis)
{
    private const string Compatible = "0.42.";

    private readonly byte[] _tokenHash = Hash(token);

    /// <summary>What is wrong with the request, as status and error; null when nothing is.</summary>
    /// <param name="context">The request. Its caller is kept with it.</param>
    /// <param name="needsToken">Whether its route needs a token. Where none is needed, a container's is looked at all the same: whoever shows one is held to it.</param>
    public (int Status, ErrorResponse Error)? Refuse(HttpContext context, bool needsToken)
    {
        var request = context.Request;
        var authorization = request.Headers.Authorization.ToString();
        var shown = authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? authorization["Bearer ".Length..].Trim() : "";
        if (!needsToken)
        {
            return ApiTokens.IsOne(shown) ? RefuseContainer(context, shown) : null;
        }

        var client = request.Headers["CortexAPIVersion"].ToString();
        if (client.Length > 0 && !request.Path.Equals("/info", StringComparison.Ordinal) && !client.StartsWith(Compatible, StringComparison.Ordinal) && Major(client) != Major(version))
        {
            return (StatusCodes.Status400BadRequest, new ErrorResponse("endpoints.api_version_mismatch", $"the client's version ({client}) does not fit the cluster's ({version}); use a client of version {Major(version)}.x"));
        }

        if (authorization.Length == 0)
        {
            return (StatusCodes.Status401Unauthorized, new ErrorResponse("endpoints.header_missing", "the header `Authorization: Bearer TOKEN` is missing; the token is in the CLI's cli.yaml on the machine that ran `cortex cluster up`, and `cortex env configure` stores it on another"));
        }

        // Hashes have one length, so the comparison takes the same time whatever was sent.
        if (shown.Length > 0 && CryptographicOperations.FixedTimeEquals(Hash(shown), _tokenHash))
        {
            Keep(context, Caller.Owner);
            return null;
        }

        return ApiTokens.IsOne(shown)
            ? RefuseContainer(context, shown)
            : Forbidden("endpoints.auth_invalid_token", "the token is not this cluster's; run `cortex cluster up` again on its machine, or `cortex env configure` with the right one");
    }

    private (int Status, ErrorResponse Error)? RefuseContainer(HttpContext context, string shown)
    {
        if (apis.Find(shown) is not { } caller)
        {
            return Forbidden("endpoints.auth_invalid_token", "the token is that of no API: its API was deleted, and one that is deployed again has another, which its new containers find in /cortex/client/cli.yaml");
        }

        Keep(context, caller);
        if (context.GetEndpoint() is not RouteEndpoint endpoint)
        {
            return null;
        }

        var request = context.Request;
        var showsEnv = QueryFlag.Read(request.Query, "showEnv", otherwise: false);
        var needed = showsEnv ? ClientAccess.Admin
            : RouteRules.Needed(RouteOf(endpoint, request.Method), request.RouteValues["apiName"] is string api && caller.Owns(api));
        return caller.Access >= needed ? null
            : Forbidden("endpoints.client_access", $"the token of the containers of {caller.ApiName} does not open {request.Method} {request.Path}{(showsEnv ? " with the values of env" : "")}: that takes `client_access: {Text(needed)}` in the configuration of {caller.ApiName}, which has `client_access: {Text(caller.Access)}`");
    }

    private static void Keep(HttpContext context, Caller caller) =>
        context.Features.Set(caller with { IsInside = context.Request.Host.Host is InsideNames.Operator or InsideNames.OperatorGateway });

    // A route that takes every method stands in the table as GET.
    private static string RouteOf(RouteEndpoint endpoint, string method) =>
        $"{(endpoint.Metadata.GetMetadata<HttpMethodMetadata>() is null ? HttpMethods.Get : method)} {endpoint.RoutePattern.RawText}";

    private static (int Status, ErrorResponse Error) Forbidden(string kind, string message) => (StatusCodes.Status403Forbidden, new ErrorResponse(kind, message));

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private static string Major(string text) => text.Split('.')[0];

    private static string Text(ClientAccess access) => access.ToString().ToLowerInvariant();
}
