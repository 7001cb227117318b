using Cortex.Gateway.Tests.Support;

namespace Cortex.Gateway.Tests.Forwarding;

/// <summary>Requests that two readers could understand differently are refused, and so is their connection.</summary>
public sealed class AmbiguousRequestTests
{
    [Theory]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nx", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400")]
    [InlineData("GET /api HTTP/1.1\r\nHost: a\r\nX-A: b\r\n folded\r\n\r\n", "400")]
    [InlineData("GET /api HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400")]
    [InlineData("GET /api HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400")]
    [InlineData("GET /api HTTP/1.1\r\nHost : a\r\n\r\n", "400")]
    [InlineData("GET /api HTTP/1.1\r\n\r\n", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\nab", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na", "400")]
    [InlineData("GET /api HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n", "400")]
    [InlineData("GET /api HTTP/1.1\r\nHost: a\r\nX-A: b\rX-B: c\r\n\r\n", "400")]
    [InlineData("GET  /api HTTP/1.1\r\nHost: a\r\n\r\n", "400")]
    [InlineData("GET /api\r\n\r\n", "400")]
    [InlineData("CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\n\r\n", "501")]
    public async Task Request_Ambiguous_IsRefusedAndConnectionClosed(string request, string status)
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync(request + "GET /api HTTP/1.1\r\nHost: a\r\n\r\n");

        var head = await client.ReadHeadAsync();

        // The rest is read and thrown away for a while before the close, so that the client surely gets its answer.
        Assert.StartsWith($"HTTP/1.1 {status} ", head);
        Assert.DoesNotContain("HTTP/1.1", await client.ReadRestAsync());
        Assert.Equal(0, replica.Connections);
    }

    [Theory]
    [InlineData("5\nhello\r\n0\r\n\r\n")]
    [InlineData("x\r\n")]
    [InlineData("5\r\nhelloXY")]
    public async Task Body_MalformedChunks_NeverEndsForReplica(string body)
    {
        var ended = new TaskCompletionSource<string?>();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            try
            {
                ended.SetResult(await connection.ReadUntilAsync("0\r\n\r\n"));
            }
            catch (IOException)
            {
                ended.SetResult(null);
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body);

        var answer = await client.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Null(await ended.Task.WithinLimit());
    }
}
