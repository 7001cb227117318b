using System.Collections.Frozen;
using Cortex.Core.Specs;
using static Cortex.Core.Specs.ClientAccess;

namespace Cortex.Operator.Access;

/// <summary>What every route of the operator asks of a container's token. A route that is not in here is closed to all of them.</summary>
internal static class RouteRules
{
    private static readonly FrozenDictionary<string, RouteRule> _rules = new Dictionary<string, RouteRule>
    {
        ["GET /verifycortex"] = new(None),
        ["GET /openapi.json"] = new(None),
        ["GET /info"] = new(Read),
        ["GET /get"] = new(Read),
        ["GET /get/{apiName}"] = new(Own: Read, Others: Submit),
        ["GET /get/{apiName}/{apiID}"] = new(Own: Read, Others: Admin),
        ["GET /describe/{apiName}"] = new(Own: Read, Others: Admin),
        ["GET /logs/{apiName}"] = new(Own: Read, Others: Admin),
        ["GET /streamlogs/{apiName}"] = new(Own: Read, Others: Admin),

        // Whoever was told the id of a job may ask for it; ending it is for those whose job it is.
        ["GET /batch/{apiName}"] = new(Own: Read, Others: Submit),
        ["POST /batch/{apiName}"] = new(Submit),
        ["DELETE /batch/{apiName}"] = new(Own: Submit, Others: Admin),
        ["GET /tasks/{apiName}"] = new(Own: Read, Others: Submit),
        ["POST /tasks/{apiName}"] = new(Submit),
        ["DELETE /tasks/{apiName}"] = new(Own: Submit, Others: Admin),

        // An id is the key to its request, so that ids are not told.
        ["GET /async/{apiName}"] = new(Admin),
        ["POST /deploy"] = new(Admin),
        ["POST /rollback/{apiName}"] = new(Admin),
        ["POST /refresh/{apiName}"] = new(Admin),
        ["DELETE /delete/{apiName}"] = new(Admin),
        ["GET /metrics"] = new(Admin),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Every route with a rule, as method and pattern; for the test that holds them against the routes.</summary>
    public static IEnumerable<string> Routes => _rules.Keys;

    /// <summary>The level that a route takes.</summary>
    /// <param name="route">Method and pattern, such as <c>GET /get/{apiName}</c>.</param>
    /// <param name="isOwn">Whether it is about the caller's own API.</param>
    public static ClientAccess Needed(string route, bool isOwn) =>
        _rules.GetValueOrDefault(route) is { } rule ? (isOwn ? rule.Own : rule.Others) : Admin;
}
