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
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 3 \t4\r\n\r\nabc", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", "400")]
    [InlineData("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc", "400")]
    [InlineData("GET /api HTTP/1.1\nHost: a\r\n\r\n", "400")]
    [InlineData("GET /api HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n", "400")]
    [InlineData("GET /api HTTP/1.1\r\nHost: a\r\n\n", "400")]
    [InlineData("GET /api HTTP/1.1\nHost: a\n\n", "400")]
    [InlineData("POST /api HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400")]
    [InlineData("GET /api#x HTTP/1.1\r\nHost: a\r\n\r\n", "400")]
    [InlineData("GET /api?a#x HTTP/1.1\r\nHost: a\r\n\r\n", "400")]
    [InlineData("GET http://a/api#x HTTP/1.1\r\nHost: a\r\n\r\n", "400")]
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
    [InlineData("transfer-encoding", "chunked", "/api", "400")]
    [InlineData("content-length", "+3", "/api", null)]
    [InlineData("x-a", "b", "/api#x", "400")]
    public async Task Http2Request_Ambiguous_IsRefused(string name, string value, string path, string? status)
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await RawHttp2.OpenAsync(gateway.EndPoint);

        await client.SendAsync(RawHttp2.Request(1, "POST", path, endStream: false, (name, value)));
        await client.SendAsync(RawHttp2.Frame(RawHttp2.Data, RawHttp2.EndStream, 1, "abc"u8));

        // A malformed length is a stream error of the protocol, which has no status.
        Assert.Equal(status, (await client.ReadStatusAsync(1))?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(0, replica.Connections);
    }

    [Fact]
    public async Task Method_TwentyKilobytes_IsRefusedAndConnectionClosed()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync($"{new string('M', 20_000)} /api HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 501 ", await client.ReadHeadAsync());
        Assert.DoesNotContain("HTTP/1.1", await client.ReadRestAsync());
        Assert.Equal(0, replica.Connections);
    }

    [Theory]
    [InlineData("Authorization: Bearer stolen")]
    [InlineData("Proxy-Authorization: Basic eA==")]
    [InlineData("Cookie: session=1")]
    [InlineData("Host: elsewhere")]
    [InlineData("Content-Length: 3")]
    public async Task Trailers_Credentials_AreRefusedAndBodyNeverEndsForReplica(string trailer)
    {
        var ended = new TaskCompletionSource<string?>();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            try
            {
                ended.SetResult(await connection.ReadUntilAsync("0\r\n"));
            }
            catch (IOException)
            {
                ended.SetResult(null);
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync(
            $"POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n{trailer}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", await client.ReadHeadAsync());
        Assert.Null(await ended.Task.WithinLimit());
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
        Assert.True(replica.Connections == 0 || await ended.Task.WithinLimit() is null);
    }
}
