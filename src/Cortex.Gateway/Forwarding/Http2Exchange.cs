using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Cortex.Gateway.Replicas;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Cortex.Gateway.Forwarding;

/// <summary>Forwards gRPC calls to replicas over cleartext HTTP/2, whose trailers they need.</summary>
internal sealed class Http2Exchange : IDisposable
{
    private readonly HttpMessageInvoker _client;
    private volatile bool _disposed;

    public Http2Exchange(UpstreamConnector connector, GatewayOptions options)
    {
        _client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = options.UpstreamIdleTimeout,
            MaxResponseHeadersLength = options.MaxHeaderSize / 1024,
            RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ConnectCallback = async (context, cancellationToken) =>
            {
                var address = new ReplicaAddress("", context.DnsEndPoint.Host, context.DnsEndPoint.Port);
                try
                {
                    return new NetworkStream(await connector.ConnectAsync(address, cancellationToken), ownsSocket: true);
                }
                catch (Exception e) when (e is not (IOException or SocketException or OperationCanceledException))
                {
                    throw new ConnectFault(e);
                }
            },
        });
    }

    /// <summary>Whether a request is a gRPC call.</summary>
    public static bool IsGrpc(HttpRequest request)
    {
        const string GrpcType = "application/grpc";   // application/grpc-web is another protocol, over HTTP/1.1
        return HttpProtocol.IsHttp2(request.Protocol)
            && request.ContentType is { } type
            && type.StartsWith(GrpcType, StringComparison.OrdinalIgnoreCase)
            && (type.Length == GrpcType.Length || type[GrpcType.Length] is '+' or ';');
    }

    /// <summary>Sends the call and passes the answer on. What it throws is a fault of this program, not of the replica or the client.</summary>
    public async Task<ExchangeResult> SendAsync(
        HttpContext http, ReplicaAddress replica, string rawTarget, int matched, ClientPeer client, bool saysOrigin, ClientPatience patience, CancellationToken clientLeft)
    {
        using var request = MakeRequest(http, replica, rawTarget, matched, client, patience);
        var body = (ForwardedContent?)request.Content;
        try
        {
            using var answer = await _client.SendAsync(request, clientLeft);
            await PassOnAsync(answer, http, saysOrigin, patience, clientLeft);
            return new ExchangeResult(ExchangeOutcome.Answered);
        }
        catch (Exception e) when (IsTheirs(e))
        {
            return Failed(e, http, body, patience, clientLeft);
        }
        finally
        {
            // A replica may answer before the body's end. The server gives this request's reader to the stream's next request.
            await (body?.StopAsync() ?? Task.CompletedTask);
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _client.Dispose();
    }

    /// <summary>Whether an error is the replica's, the client's or that of a gateway that is being closed.</summary>
    private bool IsTheirs(Exception e) =>
        (e is IOException or HttpRequestException or OperationCanceledException && e.InnerException is not ConnectFault)
        || (_disposed && e is ObjectDisposedException);

    private static ExchangeResult Failed(Exception e, HttpContext http, ForwardedContent? body, ClientPatience patience, CancellationToken clientLeft)
    {
        var bad = e.GetBaseException() as BadHttpRequestException;
        if (clientLeft.IsCancellationRequested || patience.IsAnswerOver || (bad is not null && http.Response.HasStarted))
        {
            return new ExchangeResult(ExchangeOutcome.ClientLeft);
        }

        if (bad is not null)
        {
            return new ExchangeResult(ExchangeOutcome.BadRequest, bad.Message, bad.StatusCode);
        }

        if (http.Response.HasStarted)
        {
            if (e.GetBaseException() is HttpProtocolException reset)
            {
                http.Features.Get<IHttpResetFeature>()?.Reset((int)reset.ErrorCode);   // gRPC reads a status from it
            }

            return new ExchangeResult(ExchangeOutcome.BrokenOff, e.Message);
        }

        return e.GetBaseException() is UpstreamUnreachableException || (Unreachable(e) && body is not { Started: true })
            ? new ExchangeResult(ExchangeOutcome.NotDelivered, e.Message)
            : new ExchangeResult(ExchangeOutcome.BadAnswer, e.Message);
    }

    private static bool Unreachable(Exception e) =>
        e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError };

    private static HttpRequestMessage MakeRequest(
        HttpContext http, ReplicaAddress replica, string rawTarget, int matched, ClientPeer client, ClientPatience patience)
    {
        var target = new HeadBuffer();
        RequestHead.WriteTarget(target, rawTarget, matched);
        var source = http.Request;
        var uri = new Uri(
            $"http://{(replica.Host.Contains(':', StringComparison.Ordinal) ? $"[{replica.Host}]" : replica.Host)}:{replica.Port}{Encoding.Latin1.GetString(target.Written.Span)}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(new HttpMethod(source.Method), uri)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false)
        {
            request.Content = new ForwardedContent(source.BodyReader, source.ContentLength, patience);
        }

        foreach (var (name, values) in source.Headers)
        {
            if (HopHeaders.ClassifyRequest(name) != HeaderKind.EndToEnd || name[0] == ':')
            {
                continue;
            }

            Add(request, name, values);
        }

        request.Headers.Host = source.Headers.Host;
        request.Headers.TryAddWithoutValidation(HeaderNames.TE, "trailers");
        Add(request, "X-Forwarded-For", StringValues.Concat(Forwarded("X-Forwarded-For"), client.Address));
        AddOr(request, "X-Forwarded-Proto", Forwarded("X-Forwarded-Proto"), source.Scheme);
        AddOr(request, "X-Forwarded-Host", Forwarded("X-Forwarded-Host"), source.Headers.Host);
        AddOr(request, "X-Request-ID", source.Headers["X-Request-ID"], Guid.NewGuid().ToString());
        return request;

        StringValues Forwarded(string name) => client.IsTrusted ? source.Headers[name] : default;
    }

    private static void AddOr(HttpRequestMessage request, string name, StringValues values, StringValues otherwise) =>
        Add(request, name, values.Count > 0 ? values : otherwise);

    private static void Add(HttpRequestMessage request, string name, StringValues values)
    {
        if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
        {
            request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    private static async Task PassOnAsync(HttpResponseMessage answer, HttpContext http, bool saysOrigin, ClientPatience patience, CancellationToken clientLeft)
    {
        var response = http.Response;
        response.StatusCode = (int)answer.StatusCode;
        if (saysOrigin)
        {
            response.Headers.TryAdd(AnswerHead.OriginHeader, AnswerHead.Origin);
        }

        foreach (var headers in new[] { answer.Headers.NonValidated, answer.Content.Headers.NonValidated })
        {
            foreach (var (name, values) in headers)
            {
                if (HopHeaders.Classify(Encoding.Latin1.GetBytes(name)) is HeaderKind.EndToEnd or HeaderKind.ContentLength)
                {
                    response.Headers.Append(name, values.ToArray());
                }
            }
        }

        var stream = await answer.Content.ReadAsStreamAsync(clientLeft);
        var buffer = new byte[16 * 1024];
        var reading = stream.ReadAsync(buffer, clientLeft).AsTask();
        if (!reading.IsCompleted)
        {
            // A server that streams may say nothing for long. An answer without a body must stay a lone head: that is
            // how gRPC tells of a call that failed at once.
            await patience.FlushAsync(response.BodyWriter, clientLeft);
        }

        while (await reading is > 0 and var count)
        {
            response.BodyWriter.Write(buffer.AsSpan(0, count));
            await patience.FlushAsync(response.BodyWriter, clientLeft);
            reading = stream.ReadAsync(buffer, clientLeft).AsTask();
        }

        foreach (var (name, values) in answer.TrailingHeaders.NonValidated)
        {
            response.AppendTrailer(name, values.ToArray());
        }
    }

    /// <summary>A fault of this program while it connected, which the framework's client would tell as one of the replica.</summary>
    private sealed class ConnectFault(Exception fault) : Exception(fault.Message, fault);
}
