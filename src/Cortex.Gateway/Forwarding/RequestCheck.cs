using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Forwarding;

/// <summary>
/// Refuses requests that a replica might read differently from the gateway. Kestrel has refused malformed heads,
/// repeated Host and Content-Length headers, and folded lines before.
/// </summary>
internal static class RequestCheck
{
    // The longest registered one has 17 characters.
    private const int MaxMethod = 64;

    /// <summary>Why a request is refused; null when it is not.</summary>
    public static (int Status, string Reason)? Refusal(HttpContext http, string rawTarget, GatewayOptions options)
    {
        var request = http.Request;
        var encoding = request.Headers.TransferEncoding;
        if (encoding.Count > 0)
        {
            if (!HttpProtocol.IsHttp11(request.Protocol))
            {
                return (StatusCodes.Status400BadRequest, $"{request.Protocol} has no Transfer-Encoding");
            }

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

        if (rawTarget.Contains('#', StringComparison.Ordinal))
        {
            return (StatusCodes.Status400BadRequest, "the request's target has a fragment; # must be percent-encoded");
        }

        if (request.Method.Length > MaxMethod)
        {
            return (StatusCodes.Status501NotImplemented, $"the request's method is longer than {MaxMethod} characters");
        }

        return HttpMethods.IsConnect(request.Method)
            ? (StatusCodes.Status501NotImplemented, "CONNECT is not supported; open WebSockets with an Upgrade request")
            : null;
    }

    /// <summary>
    /// Refuses a trailer that says who sends the request, where it goes or how it is framed: that was settled by the head,
    /// and whoever checked the head has not seen it (RFC 9110, section 6.5.1).
    /// </summary>
    /// <exception cref="BadHttpRequestException">It is one.</exception>
    public static void RefuseTrailer(string name)
    {
        if (HopHeaders.ClassifyRequest(name) != HeaderKind.EndToEnd
            || name.Equals("Authorization", StringComparison.OrdinalIgnoreCase)
            || name.Equals("Cookie", StringComparison.OrdinalIgnoreCase))
        {
            throw new BadHttpRequestException($"the header {name} must not be sent as a trailer");
        }
    }
}
