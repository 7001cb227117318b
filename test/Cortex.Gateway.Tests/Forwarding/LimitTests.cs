using Cortex.Gateway.Tests.Support;

namespace Cortex.Gateway.Tests.Forwarding;

public sealed class LimitTests
{
    [Fact]
    public async Task Body_AnnouncedOverLimit_Is413AndReachesNoReplica()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { MaxRequestBody = 10 }, Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world");

        Assert.StartsWith("HTTP/1.1 413 ", await client.ReadHeadAsync());
        Assert.Equal(0, replica.Connections);
    }

    [Fact]
    public async Task Body_GrowsOverLimit_Is413AndNeverEndsForReplica()
    {
        var whole = new TaskCompletionSource<string?>();
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            try
            {
                whole.SetResult(await connection.ReadUntilAsync("0\r\n\r\n"));
            }
            catch (IOException)
            {
                whole.SetResult(null);
            }
        });
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { MaxRequestBody = 10 }, Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        await client.SendAsync("6\r\n world\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 413 ", await client.ReadHeadAsync());
        Assert.True(replica.Connections == 0 || await whole.Task.WithinLimit() is null);
    }

    [Fact]
    public async Task Headers_TooMany_Is431()
    {
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { MaxHeaders = 20 });
        using var client = await gateway.SendAsync(
            "GET /api HTTP/1.1\r\nHost: a\r\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"X-{i}: y\r\n")) + "\r\n");

        Assert.StartsWith("HTTP/1.1 431 ", await client.ReadHeadAsync());
    }

    [Fact]
    public async Task Headers_TooLarge_Is431()
    {
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { MaxHeaderSize = 8192 });
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\nX: " + new string('y', 9000) + "\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 431 ", await client.ReadHeadAsync());
    }

    [Fact]
    public async Task Target_TooLong_Is414()
    {
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { MaxHeaderSize = 8192 });
        using var client = await gateway.SendAsync("GET /" + new string('y', 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 414 ", await client.ReadHeadAsync());
    }

    [Fact]
    public async Task Headers_TrickleIn_AreCutOff()
    {
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { HeaderTimeout = TimeSpan.FromMilliseconds(300) });
        using var client = await gateway.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\nX-Slow: ");

        Assert.StartsWith("HTTP/1.1 408 ", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task Preface_NeverComes_ConnectionStillServesHttp1()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { HeaderTimeout = TimeSpan.FromMilliseconds(200) }, Routes.Api("api", 1, 1, replica.Address()));
        using var client = await RawClient.OpenAsync(gateway.EndPoint);
        await Task.Delay(600);

        await client.SendAsync("GET /api HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync());
    }

    [Fact]
    public async Task FirstBytes_OneByOne_AreUnderstood()
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await RawClient.OpenAsync(gateway.EndPoint);

        foreach (var c in "PRINT /api HTTP/1.1\r\nHost: a\r\n\r\n")
        {
            await client.SendAsync(c.ToString());
        }

        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync());
    }

    [Fact]
    public void Validate_DefaultOptions_AreFine()
    {
        Assert.Empty(new GatewayOptions().Validate());
    }

    [Fact]
    public void Validate_ManyBadValues_NamesEach()
    {
        var errors = new GatewayOptions
        {
            MaxRequestBody = -1,
            MaxHeaderSize = 1,
            MaxHeaders = 1,
            MaxConnections = 0,
            HeaderTimeout = TimeSpan.Zero,
            QueueTimeout = TimeSpan.FromDays(2),
            WakeTimeout = TimeSpan.Zero,
            WakeBuffer = 1,
            IdleTimeout = TimeSpan.FromSeconds(-1),
        }.Validate();

        Assert.Equal(
            ["MaxRequestBody", "MaxHeaderSize", "MaxHeaders", "MaxConnections", "HeaderTimeout", "QueueTimeout", "WakeTimeout", "WakeBuffer", "IdleTimeout"],
            errors.Select(error => error.Split(' ')[0]));
    }
}
