using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Forwarding;

/// <summary>
/// Refuses requests that a replica might read differently from the gateway. Kestrel has refused malformed heads,
/// repeated Host and Content-Length headers, and folded lines before.
/// </summary>
internal static class RequestCheck
{
    /// <summary>Why a request is refused; null when it is not.</summary>
    public static (int Status, string Reason)? Refusal(HttpContext http, GatewayOptions options)
    {
        var request = http.Request;
        var encoding = request.Headers.TransferEncoding;
        if (encoding.Count > 0)
        {
            if (encoding.Count > 1 || !string.Equals(encoding[0], "chunked", StringComparison.OrdinalIgnoreCase))
            {
                return (StatusCodes.Status400BadRequest, "Transfer-Encoding must be chunked and nothing else");
            }

            // Where both are sent, Kestrel keeps the Transfer-Encoding and renames the Content-Length. A client that
            // sends a header of that name itself, with chunks, is refused too: it cannot be told apart.
            if (request.Headers.ContainsKey("X-Content-Length") || request.ContentLength is not null)
            {
                return (StatusCodes.Status400BadRequest, "Content-Length and Transfer-Encoding must not be sent together");
            }
        }

        if (options.MaxRequestBody > 0 && request.ContentLength > options.MaxRequestBody)
        {
            return (StatusCodes.Status413PayloadTooLarge, $"the request's body is larger than {options.MaxRequestBody} bytes");
        }

        return HttpMethods.IsConnect(request.Method)
            ? (StatusCodes.Status501NotImplemented, "CONNECT is not supported; open WebSockets with an Upgrade request")
            : null;
    }
}
