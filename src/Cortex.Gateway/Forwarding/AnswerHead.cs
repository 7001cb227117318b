using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Cortex.Gateway.Forwarding;

/// <summary>Passes the head of a replica's answer on.</summary>
internal static class AnswerHead
{
    /// <summary>The header that says that a replica gave the answer.</summary>
    public const string OriginHeader = "X-Cortex-Origin";

    /// <summary>The header's usual value.</summary>
    public const string Origin = "api";

    /// <summary>The header's value where the request waited for the API's first replica; set before the request is sent to it.</summary>
    public const string OriginOfWoken = "activator";

    /// <summary>Copies status, reason and end-to-end headers.</summary>
    /// <param name="head">The parsed head.</param>
    /// <param name="bytes">The bytes it was parsed from.</param>
    /// <param name="response">The client's side.</param>
    /// <param name="strings">Texts that this replica's answers repeat.</param>
    /// <param name="saysOrigin">Whether to add <see cref="OriginHeader"/>, which Cortex leaves out behind a splitter.</param>
    public static void PassOn(ResponseHead head, ReadOnlySpan<byte> bytes, HttpResponse response, StringCache strings, bool saysOrigin)
    {
        response.StatusCode = head.Status;
        var reason = strings.Get(bytes[head.Reason]);
        if (reason != ReasonPhrases.GetReasonPhrase(head.Status))
        {
            response.HttpContext.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = reason;
        }

        var headers = response.Headers;
        if (saysOrigin)
        {
            headers.TryAdd(OriginHeader, Origin);
        }

        foreach (ref readonly var field in head.Fields)
        {
            var passes = field.Kind == HeaderKind.EndToEnd
                || (field.Kind == HeaderKind.Upgrade && head.Status == StatusCodes.Status101SwitchingProtocols);
            var name = field.Name(bytes);
            if (!passes || (head.NamesHopHeaders && HopHeaders.IsNamed(head, bytes, name)))
            {
                continue;
            }

            var text = strings.Get(name);
            var value = strings.Get(field.Value(bytes));
            headers[text] = headers.TryGetValue(text, out var earlier) ? StringValues.Concat(earlier, value) : value;
        }

        // 1xx and 204 have no body, so that a length would be a lie (RFC 9110, section 8.6).
        if (head.ContentLength is { } length && head.Status is not (101 or 204 or 205))
        {
            response.ContentLength = length;
        }
    }
}
