using System.Text.RegularExpressions;
using Cortex.Gateway.Tests.Support;

namespace Cortex.Async.Tests.Dispatch.Support;

/// <summary>Hand-written containers, good and bad.</summary>
internal static partial class Container
{
    public const string Answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

    /// <summary>One that gives every request the same bytes.</summary>
    public static RawUpstream Answering(string answer) => Of(async (connection, _, _) => await connection.SendAsync(answer));

    /// <summary>One that gives every request the same bytes and then closes the connection.</summary>
    public static RawUpstream AnsweringOnce(string answer) => new(async connection =>
    {
        if (await ReadAsync(connection) is not null)
        {
            await connection.SendAsync(answer);
        }
    });

    /// <summary>One that runs a script for each request, with its head and body.</summary>
    public static RawUpstream Of(Func<RawConnection, string, string, Task> script) => new(async connection =>
    {
        while (await ReadAsync(connection) is var (head, body))
        {
            await script(connection, head, body);
        }
    });

    public static string Json(string body) => $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    public static string Chunked(params string[] chunks) =>
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + string.Concat(chunks.Select(static chunk => $"{chunk.Length:x}\r\n{chunk}\r\n")) + "0\r\n\r\n";

    /// <summary>Null at the connection's end.</summary>
    public static async Task<(string Head, string Body)?> ReadAsync(RawConnection connection)
    {
        if (await connection.ReadHeadAsync() is not { } head)
        {
            return null;
        }

        var length = int.Parse(ContentLength().Match(head).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
        return (head, await connection.ReadAsync(length));
    }

    [GeneratedRegex("\r\nContent-Length: ([0-9]+)")]
    private static partial Regex ContentLength();
}
