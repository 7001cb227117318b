using Cortex.Core.Clusters;
using Cortex.Core.Errors;

namespace Cortex.Client.Calling;

/// <summary>Where an API is reached from here.</summary>
internal static class ApiAddress
{
    /// <summary>The URL of an API, without a slash at the end.</summary>
    /// <param name="environment">Whose cluster it is.</param>
    /// <param name="endpoint">A URL as the operator tells it; inside of a container a path will do.</param>
    /// <exception cref="CortexException">It is no URL.</exception>
    public static string Of(CortexEnvironment environment, string endpoint)
    {
        var isPath = endpoint.StartsWith('/');
        if (new Uri(environment.OperatorEndpoint).Host == InsideNames.Operator)
        {
            // The address for clients outside leads nowhere in a container.
            return $"http://{InsideNames.Apis}" + (isPath ? endpoint : Parse(endpoint).AbsolutePath).TrimEnd('/');
        }

        return isPath
            ? throw new CortexException("error", $"outside of a container an endpoint is a whole URL, not {endpoint}; leave it out to have the operator asked")
            : Parse(endpoint).OriginalString.TrimEnd('/');
    }

    private static Uri Parse(string endpoint) => Uri.TryCreate(endpoint, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
        ? url
        : throw new CortexException("error", $"\"{endpoint}\" is no URL of an API; write it like http://127.0.0.1:8889/texts");
}
