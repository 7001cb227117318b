using Cortex.Core.Errors;

namespace Cortex.Client.Environments;

/// <summary>What users write for an operator's address, as a URL.</summary>
internal static class OperatorEndpoint
{
    /// <summary>Adds the scheme that is missing: <c>http</c> for this machine, else <c>https</c>.</summary>
    /// <exception cref="CortexException">It is no address.</exception>
    public static string Normalize(string endpoint)
    {
        var text = endpoint.Trim();
        if (!text.Contains("://", StringComparison.Ordinal))
        {
            text = (Uri.TryCreate("http://" + text, UriKind.Absolute, out var bare) && bare.IsLoopback ? "http://" : "https://") + text;
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Host.Length > 0
            ? text.TrimEnd('/')
            : throw new CortexException("cli.invalid_operator_endpoint", $"\"{endpoint}\" is not an operator's address; write it like http://127.0.0.1:8888 or https://cortex.example.com");
    }
}
