namespace Cortex.Core.Specs;

/// <summary>Decides which endpoints take paths from others. Pure.</summary>
internal static class EndpointRule
{
    /// <summary>Whether an API of this kind gets the paths below its endpoint: jobs and splitters are reached at the endpoint itself, as in Cortex 0.42.</summary>
    public static bool ServesBelow(ApiKind kind) => kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI;

    /// <summary>Whether two endpoints are one.</summary>
    public static bool Same(string left, string right) => left.AsSpan().TrimEnd('/').SequenceEqual(right.AsSpan().TrimEnd('/'));

    /// <summary>Whether an endpoint stands where the paths of another API are.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="other">The other API's endpoint.</param>
    /// <param name="kind">The other API's kind.</param>
    public static bool TakesFrom(string endpoint, string other, ApiKind kind) =>
        ServesBelow(kind) && endpoint.StartsWith(other.TrimEnd('/') + "/", StringComparison.Ordinal);

    /// <summary>The paths above an endpoint, the nearest first: <c>/a/b</c> and <c>/a</c> for <c>/a/b/c</c>.</summary>
    public static IEnumerable<string> Above(string endpoint)
    {
        for (var slash = endpoint.LastIndexOf('/'); slash > 0; slash = endpoint.LastIndexOf('/', slash - 1))
        {
            yield return endpoint[..slash];
        }
    }
}
