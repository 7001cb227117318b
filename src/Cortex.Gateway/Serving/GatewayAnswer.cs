using System.Text;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Serving;

/// <summary>Answers that the gateway gives itself.</summary>
internal static class GatewayAnswer
{
    private const int MaxReason = 1000;

    public static Task NoSuchEndpoint(HttpContext http) =>
        TextAsync(http, StatusCodes.Status404NotFound, "no API has this endpoint\n");

    public static Task QueueFull(HttpContext http)
    {
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Unavailable(http, "pending request queue full\n");
    }

    public static Task NoReplica(HttpContext http) => Unavailable(http, "no healthy upstream");

    public static Task WaitedTooLong(HttpContext http) => Unavailable(http, "no replica became free in time\n");

    public static Task CannotStart(HttpContext http, string reason) => Unavailable(http, $"no replica can start: {Shorten(reason)}\n");

    public static Task NotAwakeInTime(HttpContext http, string? reason) =>
        Unavailable(http, reason is null ? "no replica became ready in time\n" : $"no replica became ready in time: {Shorten(reason)}\n");

    /// <summary>As in Cortex: says that the API is there without waking it.</summary>
    public static Task Probed(HttpContext http)
    {
        http.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    /// <summary>As in Cortex without a body: the log says why.</summary>
    public static Task BadGateway(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status502BadGateway;
        http.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    public static Task IdleTooLong(HttpContext http) =>
        TextAsync(http, StatusCodes.Status504GatewayTimeout, "the replica did not answer in time\n");

    public static Task HandlerFailed(HttpContext http) =>
        TextAsync(http, StatusCodes.Status500InternalServerError, "error: the request failed within the server; its log says why\n");

    /// <summary>Refuses what a stranger's page may have sent.</summary>
    public static Task Forbid(HttpContext http, string reason) => TextAsync(http, StatusCodes.Status403Forbidden, reason + "\n");

    /// <summary>Refuses a request and its connection: where the next request would begin is not certain.</summary>
    public static Task Refuse(HttpContext http, int status, string reason)
    {
        if (HttpProtocol.IsHttp11(http.Request.Protocol) || HttpProtocol.IsHttp10(http.Request.Protocol))
        {
            http.Response.Headers.Connection = "close";
        }

        return TextAsync(http, status, reason + "\n");
    }

    private static string Shorten(string reason) => reason.Length <= MaxReason ? reason : reason[..MaxReason] + "...";

    private static Task Unavailable(HttpContext http, string text)
    {
        http.Response.Headers.RetryAfter = "1";
        return TextAsync(http, StatusCodes.Status503ServiceUnavailable, text);
    }

    private static async Task TextAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.ContentLength = text.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.BodyWriter.WriteAsync(Encoding.ASCII.GetBytes(text));
        }
    }
}
