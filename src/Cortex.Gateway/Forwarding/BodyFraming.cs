using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Forwarding;

/// <summary>A request's body as it is sent on: framed as it came.</summary>
/// <param name="Kind">How it is delimited.</param>
/// <param name="Length">Bytes of a sized body.</param>
internal readonly record struct BodyFraming(BodyKind Kind, long Length)
{
    public static BodyFraming Of(HttpContext http)
    {
        if (http.Request.ContentLength is { } length)
        {
            return new BodyFraming(BodyKind.Sized, length);
        }

        var canHave = http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;
        return new BodyFraming(canHave ? BodyKind.Chunked : BodyKind.None, 0);
    }
}
