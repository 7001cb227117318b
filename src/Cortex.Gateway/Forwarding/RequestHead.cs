using System.Buffers;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Cortex.Gateway.Forwarding;

/// <summary>Writes the head of a request as the replica gets it.</summary>
internal static class RequestHead
{
    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> ForbiddenInValues = SearchValues.Create("\0\r\n");
    private static readonly SearchValues<char> TargetChars =
        SearchValues.Create([.. Enumerable.Range(0x21, 0x7f - 0x21).Select(static c => (char)c)]);

    /// <summary>Writes the head, its empty line included.</summary>
    /// <param name="output">Where to; not cleared first.</param>
    /// <param name="request">The request.</param>
    /// <param name="rawTarget">Its target as it came.</param>
    /// <param name="matched">How many characters of its path the endpoint covers.</param>
    /// <param name="body">How its body is framed.</param>
    /// <param name="switchesProtocol">Whether to ask for its Upgrade.</param>
    /// <param name="client">The client.</param>
    /// <param name="replicaHost">The Host for a request that has none.</param>
    /// <exception cref="BadClientRequestException">It cannot be written without changing its meaning.</exception>
    public static void Write(
        HeadBuffer output, HttpRequest request, string rawTarget, int matched, BodyFraming body, bool switchesProtocol,
        ClientPeer client, string replicaHost)
    {
        WriteRequestLine(output, request.Method, rawTarget, matched);
        var headers = request.Headers;
        var host = headers.Host;
        output.Append("Host: "u8);
        AppendValue(output, host.Count == 0 ? replicaHost : host[0]);
        WriteHeaders(output, headers, switchesProtocol);
        WriteForwarded(output, headers, request.Scheme, host, client);
        switch (body.Kind)
        {
            case BodyKind.Sized:
                output.Append("\r\nContent-Length: "u8);
                output.Append(body.Length);
                break;
            case BodyKind.Chunked:
                output.Append("\r\nTransfer-Encoding: chunked"u8);
                break;
        }

        output.Append("\r\n\r\n"u8);
    }

    /// <summary>
    /// Writes the head of a request's copy for a shadow, without its end, which <see cref="EndShadow"/> writes. As in Cortex, its Host tells
    /// that it is one: <c>name-shadow:port</c>.
    /// </summary>
    /// <exception cref="BadClientRequestException">It cannot be written without changing its meaning.</exception>
    public static void WriteShadow(HeadBuffer output, HttpRequest request, string rawTarget, int matched, ClientPeer client, string otherHost)
    {
        WriteRequestLine(output, request.Method, rawTarget, matched);
        var headers = request.Headers;
        var host = headers.Host;
        var name = host.Count == 0 ? otherHost : host[0] ?? "";
        var port = name.LastIndexOf(':');
        port = port < 0 || name.EndsWith(']') ? name.Length : port;   // colons within brackets are an IPv6 address's
        output.Append("Host: "u8);
        AppendValue(output, string.Concat(name.AsSpan(0, port), "-shadow", name.AsSpan(port)));
        WriteHeaders(output, headers, switchesProtocol: false);
        WriteForwarded(output, headers, request.Scheme, host, client);
    }

    /// <summary>Ends the head of a copy, with the length of its body.</summary>
    public static void EndShadow(HeadBuffer output, int bodyLength)
    {
        if (bodyLength > 0)
        {
            output.Append("\r\nContent-Length: "u8);
            output.Append(bodyLength);
        }

        output.Append("\r\n\r\n"u8);
    }

    /// <summary>Writes the path that the replica sees: what follows the endpoint, or <c>/</c>, and the query.</summary>
    public static void WriteTarget(HeadBuffer output, string rawTarget, int matched)
    {
        var target = RequestTarget.Parse(rawTarget);
        var rest = rawTarget.AsSpan(target.PathStart + matched);
        if (rest.ContainsAnyExcept(TargetChars))
        {
            throw new BadClientRequestException("the request's path has characters that must be percent-encoded");
        }

        if (target.PathStart + matched == target.PathEnd)
        {
            output.Append("/"u8);
        }

        output.Append(rest);
    }

    private static void WriteRequestLine(HeadBuffer output, string method, string rawTarget, int matched)
    {
        if (method.AsSpan().ContainsAnyExcept(TokenChars))
        {
            throw new BadClientRequestException("the request's method is malformed");
        }

        output.Append(method);
        output.Append(" "u8);
        WriteTarget(output, rawTarget, matched);
        output.Append(" HTTP/1.1\r\n"u8);
    }

    private static void WriteHeaders(HeadBuffer output, IHeaderDictionary headers, bool switchesProtocol)
    {
        var connection = headers.Connection;
        var namesOthers = connection.Count > 1
            || (connection.Count == 1 && connection[0] is not ("keep-alive" or "close" or "Upgrade"));
        foreach (var (name, values) in headers)
        {
            var kind = HopHeaders.ClassifyRequest(name);
            if (kind == HeaderKind.Upgrade && switchesProtocol)
            {
                output.Append("\r\nConnection: Upgrade"u8);
            }
            else if (kind != HeaderKind.EndToEnd || name[0] == ':' || (namesOthers && HopHeaders.HasOption(connection, name)))
            {
                continue;
            }

            if (name.AsSpan().ContainsAnyExcept(TokenChars))
            {
                throw new BadClientRequestException("the request has a malformed header name");
            }

            if (values.Count > 1 && name.Equals("Cookie", StringComparison.OrdinalIgnoreCase))
            {
                // HTTP/2 may split what HTTP/1.1 sends in one line (RFC 9113, section 8.2.3).
                AppendField(output, name, string.Join("; ", (IEnumerable<string?>)values));
                continue;
            }

            foreach (var value in values)
            {
                AppendField(output, name, value);
            }
        }
    }

    private static void WriteForwarded(HeadBuffer output, IHeaderDictionary headers, string scheme, StringValues host, ClientPeer client)
    {
        output.Append("\r\nX-Forwarded-For: "u8);
        foreach (var value in Forwarded("X-Forwarded-For"))
        {
            AppendValue(output, value);
            output.Append(", "u8);
        }

        output.Append(client.Address);
        AppendOr(output, "X-Forwarded-Proto", Forwarded("X-Forwarded-Proto"), scheme);
        if (host.Count > 0)
        {
            AppendOr(output, "X-Forwarded-Host", Forwarded("X-Forwarded-Host"), host[0]);
        }

        var id = headers.RequestId();
        if (id.Count > 0)
        {
            AppendOr(output, "X-Request-ID", id, "");
        }
        else
        {
            output.Append("\r\nX-Request-ID: "u8);
            output.Append(Guid.NewGuid());
        }

        // What a stranger says of those before it would be believed by whoever trusts this gateway.
        StringValues Forwarded(string name) => client.IsTrusted ? headers[name] : default;
    }

    private static StringValues RequestId(this IHeaderDictionary headers) => headers["X-Request-ID"];

    private static void AppendOr(HeadBuffer output, string name, StringValues values, string? otherwise)
    {
        if (values.Count == 0)
        {
            AppendField(output, name, otherwise);
        }

        foreach (var value in values)
        {
            AppendField(output, name, value);
        }
    }

    private static void AppendField(HeadBuffer output, string name, string? value)
    {
        output.Append("\r\n"u8);
        output.Append(name);
        output.Append(": "u8);
        AppendValue(output, value);
    }

    private static void AppendValue(HeadBuffer output, string? value)
    {
        if (value.AsSpan().ContainsAny(ForbiddenInValues))
        {
            throw new BadClientRequestException("the request has a header value with a line break");
        }

        output.Append(value.AsSpan());
    }
}
