using System.Text;
using Cortex.Queues;
using Microsoft.AspNetCore.Http;

namespace Cortex.Async.Endpoint;

/// <summary>Short answers of an endpoint. Errors are text: <c>error: what is wrong</c>.</summary>
internal static class EndpointAnswer
{
    /// <summary>The content type of documents.</summary>
    public const string Json = "application/json";

    private const int IdAnswerLength = 7 + MessageId.Length + 3;

    /// <summary>Says under which id a request is kept.</summary>
    public static async Task Id(HttpContext http, MessageId id)
    {
        var response = http.Response;
        response.ContentType = Json;
        response.ContentLength = IdAnswerLength;
        await response.StartAsync();
        var output = response.BodyWriter.GetSpan(IdAnswerLength);
        "{\"id\":\""u8.CopyTo(output);
        id.TryFormat(output[7..], out _);
        "\"}\n"u8.CopyTo(output[(7 + MessageId.Length)..]);
        response.BodyWriter.Advance(IdAnswerLength);   // sent when the request ends
    }

    /// <summary>Says what a request's status is now.</summary>
    public static Task Status(HttpContext http, MessageId id, MessageStatus status) =>
        BytesAsync(http, StatusCodes.Status200OK, Json, Encoding.ASCII.GetBytes($"{{\"id\":\"{id}\",\"status\":\"{StatusWords.Of(status)}\"}}\n"));

    /// <summary>A whole JSON document.</summary>
    public static Task Document(HttpContext http, ReadOnlyMemory<byte> json) => BytesAsync(http, StatusCodes.Status200OK, Json, json);

    /// <summary>Some bytes of a type.</summary>
    public static Task Whole(HttpContext http, string contentType, ReadOnlyMemory<byte> bytes) => BytesAsync(http, StatusCodes.Status200OK, contentType, bytes);

    /// <summary>The API takes requests.</summary>
    public static Task Healthy(HttpContext http) => TextAsync(http, StatusCodes.Status200OK, "ok");

    /// <summary>There is no request of this id, or not any more.</summary>
    public static Task UnknownId(HttpContext http, ReadOnlySpan<char> id) =>
        Error(http, StatusCodes.Status404NotFound, $"id {id} not found");

    /// <summary>There is nothing of this path.</summary>
    public static Task NotFound(HttpContext http) => Error(http, StatusCodes.Status404NotFound, "not found");

    /// <summary>The path has other methods.</summary>
    public static Task NotAllowed(HttpContext http, string allowed)
    {
        http.Response.Headers.Allow = allowed;
        return Error(http, StatusCodes.Status405MethodNotAllowed, $"method {http.Request.Method} is not allowed here; use {allowed}");
    }

    /// <summary>Whether <see cref="Trouble"/> has an answer for it.</summary>
    public static bool Knows(Exception trouble) =>
        trouble is StoreBusyException or StoreFullException or StoreUnavailableException or PayloadException or BadHttpRequestException;

    /// <summary>Says why a request could not be served.</summary>
    public static Task Trouble(HttpContext http, Exception trouble)
    {
        switch (trouble)
        {
            case PayloadException e:
                return Refuse(http, e.Status, e.Message);
            case BadHttpRequestException e:
                return Refuse(http, e.StatusCode, e.Message);
            case StoreFullException:
                return Error(http, StatusCodes.Status507InsufficientStorage, "the server has no room for the request; nothing was stored");
            case StoreUnavailableException:
                http.Response.Headers.RetryAfter = "1";
                return Error(http, StatusCodes.Status503ServiceUnavailable, "the server's storage can't be used at the moment; try again shortly");
            default:
                http.Response.Headers.RetryAfter = "1";
                return Error(http, StatusCodes.Status503ServiceUnavailable, trouble.Message);
        }
    }

    /// <summary>Says what is wrong.</summary>
    public static Task Error(HttpContext http, int status, string what)
    {
        http.Response.Headers.XContentTypeOptions = "nosniff";   // the text may repeat what the client sent
        return TextAsync(http, status, $"error: {what}\n");
    }

    /// <summary>Refuses a request in the midst of its body: the connection ends with it.</summary>
    private static Task Refuse(HttpContext http, int status, string what)
    {
        if (HttpProtocol.IsHttp11(http.Request.Protocol) || HttpProtocol.IsHttp10(http.Request.Protocol))
        {
            http.Response.Headers.Connection = "close";
        }

        return Error(http, status, what);
    }

    private static Task TextAsync(HttpContext http, int status, string text) =>
        BytesAsync(http, status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text));

    private static async Task BytesAsync(HttpContext http, int status, string contentType, ReadOnlyMemory<byte> bytes)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = contentType;
        http.Response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.BodyWriter.WriteAsync(bytes);
        }
    }
}
