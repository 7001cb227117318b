using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Cortex.Gateway.Listening;
using Cortex.Gateway.Tests.Support;

namespace Cortex.Gateway.Tests.Forwarding;

/// <summary>What reaches the replica, and what reaches the client.</summary>
public abstract class PassThroughTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    [Theory]
    [InlineData("/api", "/")]
    [InlineData("/api/", "/")]
    [InlineData("/api?a=b%20c&d", "/?a=b%20c&d")]
    [InlineData("/api/x/y?z", "/x/y?z")]
    [InlineData("/api/%2F%41//b/%zz/../.", "/%2F%41//b/%zz/../.")]
    [InlineData("/api/a|b\"c^{}", "/a|b\"c^{}")]
    public async Task Target_AsSent_IsNotReencoded(string target, string seen)
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        var head = await HeadSeenAsync($"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n");

        Assert.StartsWith($"GET {seen} HTTP/1.1\r\n", head);
    }

    [Fact]
    public async Task Headers_OfRequest_ReachReplicaUntouched()
    {
        var head = await HeadSeenAsync(
            "BREW /api HTTP/1.1\r\nHost: models.example:81\r\nX-Multi: 1\r\nx-multi: 2, 3\r\nX-Latin: caf\u00e9\r\nX-Empty:\r\n"
            + "User-Agent: t\r\nCookie: a=1; b=2\r\nAuthorization: Bearer x\r\nAccept-Encoding: br\r\n\r\n");

        Assert.StartsWith("BREW / HTTP/1.1\r\nHost: models.example:81\r\n", head);
        Assert.Equal("1, 2, 3", string.Join(", ", Values(head, "X-Multi")));
        Assert.Equal(["caf\u00e9"], Values(head, "X-Latin"));
        Assert.Equal([""], Values(head, "X-Empty"));
        Assert.Equal(["t"], Values(head, "User-Agent"));
        Assert.Equal(["a=1; b=2"], Values(head, "Cookie"));
        Assert.Equal(["Bearer x"], Values(head, "Authorization"));
        Assert.Equal(["br"], Values(head, "Accept-Encoding"));
        Assert.Equal(IsHttp2 ? ["0"] : [], Values(head, "Content-Length"));   // over HTTP/2, the client says so
        Assert.Empty(Values(head, "Transfer-Encoding"));
    }

    [Fact]
    public async Task Forwarded_NoneSent_AreSet()
    {
        var head = await HeadSeenAsync("GET /api HTTP/1.1\r\nHost: test:1\r\n\r\n");

        Assert.Equal(["127.0.0.1"], Values(head, "X-Forwarded-For"));
        Assert.Equal(["http"], Values(head, "X-Forwarded-Proto"));
        Assert.Equal(["test:1"], Values(head, "X-Forwarded-Host"));
        Assert.True(Guid.TryParse(Assert.Single(Values(head, "X-Request-ID")), out _));
    }

    [Fact]
    public async Task Forwarded_SentByStranger_AreReplaced()
    {
        var head = await HeadSeenAsync(
            "GET /api HTTP/1.1\r\nHost: test:1\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer\r\n\r\n",
            new GatewayOptions { TrustedProxies = new Networks(["10.0.0.0/8", "::1"]) });

        Assert.Equal(["127.0.0.1"], Values(head, "X-Forwarded-For"));
        Assert.Equal(["http"], Values(head, "X-Forwarded-Proto"));
        Assert.Equal(["test:1"], Values(head, "X-Forwarded-Host"));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.0/8")]
    [InlineData("::ffff:127.0.0.1")]
    public async Task Forwarded_SentByTrustedProxy_AreKeptAndExtended(string trusted)
    {
        var head = await HeadSeenAsync(
            "GET /api HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\n"
            + "X-Forwarded-Host: outer\r\nX-Request-ID: mine\r\n\r\n",
            new GatewayOptions { TrustedProxies = new Networks([trusted]) });

        Assert.Equal(["1.1.1.1, 2.2.2.2, 127.0.0.1"], Values(head, "X-Forwarded-For"));
        Assert.Equal(["https"], Values(head, "X-Forwarded-Proto"));
        Assert.Equal(["outer"], Values(head, "X-Forwarded-Host"));
        Assert.Equal(["mine"], Values(head, "X-Request-ID"));
    }

    [Fact]
    public async Task Answer_OfReplica_ReachesClientUntouched()
    {
        await using var replica = RawUpstream.Answering(
            "HTTP/1.1 299 Quite Fine\r\nContent-Length: 3\r\nX-Multi: 1\r\nX-Multi: 2\r\nX-Latin: \u00e9\r\nServer: mine\r\nSet-Cookie: a=1\r\n"
            + "Set-Cookie: b=2\r\nContent-Encoding: br\r\nLocation: /else\r\nX-Cortex-Origin: forged\r\n\r\nabc");
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        var answer = await gateway.GetRawAsync("/api");

        Assert.StartsWith(IsHttp2 ? "HTTP/1.1 299 " : "HTTP/1.1 299 Quite Fine\r\n", answer);   // HTTP/2 has no reason phrase
        Assert.EndsWith("\r\n\r\nabc", answer);
        Assert.Equal(["1", "2"], Values(answer, "X-Multi"));
        Assert.Equal(["\u00e9"], Values(answer, "X-Latin"));
        Assert.Equal(["mine"], Values(answer, "Server"));
        Assert.Equal(["a=1", "b=2"], Values(answer, "Set-Cookie"));
        Assert.Equal(["br"], Values(answer, "Content-Encoding"));
        Assert.Equal(["/else"], Values(answer, "Location"));
        Assert.Equal(["3"], Values(answer, "Content-Length"));
        Assert.Equal(["api"], Values(answer, "X-Cortex-Origin"));
    }

    [Fact]
    public async Task HopHeaders_OfAnswer_AreRemoved()
    {
        await using var replica = RawUpstream.Answering(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: x\r\nProxy-Authenticate: x\r\nX-Kept: 1\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        var answer = await gateway.GetRawAsync("/api");

        foreach (var name in new[] { "X-Hop", "Keep-Alive", "Upgrade", "Proxy-Authenticate" })
        {
            Assert.Empty(Values(answer, name));
        }

        Assert.Equal(["1"], Values(answer, "X-Kept"));
    }

    [Theory]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n", "204")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "204")]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", "304")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", "200")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200")]
    [InlineData("GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200")]
    public async Task Answer_WithoutBody_ReachesClientAsSuch(string method, string answer, string status)
    {
        await using var replica = RawUpstream.Answering(answer);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await RawClient.OpenAsync(gateway.EndPoint);

        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync($"{method} /api HTTP/1.1\r\nHost: test\r\n\r\n");
            var head = await client.ReadHeadAsync();
            Assert.StartsWith($"HTTP/1.1 {status} ", head);
            if (method == "HEAD" && answer.Contains("1234", StringComparison.Ordinal))
            {
                Assert.Equal(["1234"], Values(head!, "Content-Length"));
            }
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")]
    public async Task Answers_OneAfterAnother_ShareAConnection(string answer)
    {
        await using var replica = RawUpstream.Answering(answer);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("abc", await gateway.Client.GetStringAsync("api"));
        }

        Assert.Equal(1, replica.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nabc")]
    [InlineData("HTTP/1.0 200 OK\r\n\r\nabc")]
    public async Task Answer_EndedByClose_IsWhole(string answer)
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(answer);
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));

        Assert.Equal("abc", await gateway.Client.GetStringAsync("api"));
        Assert.Equal("abc", await gateway.Client.GetStringAsync("api"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5000)]
    [InlineData(300_000)]
    public async Task Body_WithLength_IsSentWithLength(int length)
    {
        var head = "";
        var body = "";
        await using var replica = new RawUpstream(async connection =>
        {
            head = await connection.ReadHeadAsync();
            body = await connection.ReadAsync(length);
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        var sent = string.Concat(Enumerable.Range(0, length).Select(static i => (char)('a' + (i % 26))));

        using var answer = await gateway.Client.PostAsync("api", new StringContent(sent));

        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
        Assert.Equal([length.ToString(System.Globalization.CultureInfo.InvariantCulture)], Values(head!, "Content-Length"));
        Assert.Empty(Values(head!, "Transfer-Encoding"));
        Assert.Equal(sent, body);
    }

    [Fact]
    public async Task Routes_AThousandApis_EachReachesItsOwnReplica()
    {
        await using var one = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
        await using var two = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
        await using var gateway = await TestGateway.StartAsync(
            [.. Enumerable.Range(0, 1000).Select(i => Routes.Api($"api-{i}", 1, 1, (i % 2 == 0 ? one : two).Address()))]);

        for (var i = 0; i < 1000; i += 97)
        {
            Assert.Equal(i % 2 == 0 ? "one" : "two", await gateway.Client.GetStringAsync($"api-{i}/x"));
        }

        using var unknown = await gateway.Client.GetAsync("api-1000");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Equal("no API has this endpoint\n", await unknown.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Body_WithContentTypeParameters_IsPassedOn()
    {
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            http.Response.ContentType = http.Request.ContentType;
            await http.Request.Body.CopyToAsync(http.Response.Body);
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes("{\"a\":\"\u20ac\"}"));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json; charset=utf-8; x=\"y\"");

        using var answer = await gateway.Client.PutAsync("api", content);

        Assert.Equal("{\"a\":\"\u20ac\"}", await answer.Content.ReadAsStringAsync());
        Assert.Equal("application/json; charset=utf-8; x=\"y\"", answer.Content.Headers.ContentType!.ToString());
    }

    private protected static GatewayOptions Options(double expect) => new() { ExpectTimeout = TimeSpan.FromSeconds(expect) };

    private protected static async Task<string> HeadSeenAsync(string request, GatewayOptions? options = null)
    {
        var head = "";
        await using var replica = new RawUpstream(async connection =>
        {
            head = await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(options ?? new GatewayOptions(), Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync(request);
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadHeadAsync());
        return head + "\r\n";
    }

    private protected static string[] Values(string head, string name) =>
        [.. head.Split("\r\n").Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(line => line[(name.Length + 1)..].Trim())];

    private protected static string Unchunk(string body)
    {
        var text = new StringBuilder();
        var lines = body.Split("\r\n");
        for (var i = 0; lines[i] != "0"; i += 2)
        {
            Assert.Equal(Convert.ToInt32(lines[i], 16), lines[i + 1].Length);
            text.Append(lines[i + 1]);
        }

        return text.ToString();
    }
}

public sealed class PassThroughOverHttp1Tests() : PassThroughTests(isHttp2: false)
{
    [Fact]
    public async Task Target_InAbsoluteForm_IsSentAsAPath()
    {
        Assert.StartsWith("GET /x?q HTTP/1.1\r\n", await HeadSeenAsync("GET http://test/api/x?q HTTP/1.1\r\nHost: test\r\n\r\n"));
    }

    [Theory]
    [InlineData("Connection: X-Hop")]
    [InlineData("Connection: keep-alive, x-hop")]
    [InlineData("Connection: close,X-Hop")]
    [InlineData("Connection: X-Hop\r\nConnection: close")]
    [InlineData("Connection: keep-alive\r\nConnection: TE, X-Hop")]
    public async Task HopHeaders_OfRequest_AreRemoved(string connection)
    {
        var head = await HeadSeenAsync(
            $"GET /api HTTP/1.1\r\nHost: test\r\n{connection}\r\nX-Hop: 1\r\nX-Kept: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
            + "Trailer: X\r\nProxy-Connection: x\r\nProxy-Authorization: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n"
            + "X-Cortex-API-Name: x\r\nX-Cortex-Target-Service: x\r\n\r\n");

        foreach (var name in new[]
        {
            "Connection", "X-Hop", "Keep-Alive", "TE", "Trailer", "Proxy-Connection", "Proxy-Authorization", "Upgrade",
            "HTTP2-Settings", "X-Cortex-API-Name", "X-Cortex-Target-Service",
        })
        {
            Assert.Empty(Values(head, name));
        }

        Assert.Equal(["1"], Values(head, "X-Kept"));
    }

    [Fact]
    public async Task Http10Request_WithoutHost_IsServed()
    {
        var head = await HeadSeenAsync("GET /api HTTP/1.0\r\n\r\n");

        Assert.StartsWith("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", head);
    }

    [Fact]
    public async Task Body_InChunks_IsSentInChunksWithTrailers()
    {
        var head = "";
        var body = "";
        await using var replica = new RawUpstream(async connection =>
        {
            head = await connection.ReadHeadAsync();
            body = await connection.ReadUntilAsync("\r\n\r\n");
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync(
            "POST /api HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync());
        Assert.Equal(["chunked"], Values(head!, "Transfer-Encoding"));
        Assert.Empty(Values(head!, "Content-Length"));
        Assert.EndsWith("0\r\nX-Sum: 42", body);
        Assert.Equal("hello world", Unchunk(body!));
    }

    [Fact]
    public async Task Expect_ReplicaRefuses_ClientNeedNotSendBody()
    {
        var sawBody = "";
        await using var replica = new RawUpstream(async connection =>
        {
            var head = await connection.ReadHeadAsync();
            Assert.Equal(["100-continue"], Values(head!, "Expect"));
            await connection.SendAsync("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
            sawBody = await connection.ReadToEndAsync();
        });
        await using var gateway = await TestGateway.StartAsync(Options(expect: 30), Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 417 No", await client.ReadHeadAsync());
        Assert.Equal("", sawBody);
    }

    [Theory]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")]
    public async Task Expect_ReplicaAgrees_BodyFollows(string agreement)
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync(agreement);
            var body = await connection.ReadAsync(5);
            await connection.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{body}");
        });
        await using var gateway = await TestGateway.StartAsync(Options(expect: 30), Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");

        Assert.Equal("HTTP/1.1 100 Continue", await client.ReadHeadAsync());
        await client.SendAsync("hello");
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadHeadAsync());
        Assert.Equal("hello", await client.ReadAsync(5));
    }

    [Fact]
    public async Task Expect_ReplicaSilent_BodyFollowsAfterAWhile()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            var body = await connection.ReadAsync(5);
            await connection.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{body}");
        });
        await using var gateway = await TestGateway.StartAsync(Options(expect: 0.05), Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync("POST /api HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");

        Assert.Equal("HTTP/1.1 100 Continue", await client.ReadHeadAsync());
        await client.SendAsync("hello");
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadHeadAsync());
        Assert.Equal("hello", await client.ReadAsync(5));
    }

    [Fact]
    public async Task Pipelined_Requests_AreAnsweredInOrder()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is { } head)
            {
                var path = head.Split(' ')[1];
                await connection.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {path.Length}\r\n\r\n{path}");
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await gateway.SendAsync(
            string.Concat(Enumerable.Range(0, 20).Select(i => $"GET /api/{i:00} HTTP/1.1\r\nHost: test\r\n\r\n")));

        for (var i = 0; i < 20; i++)
        {
            await client.ReadHeadAsync();
            Assert.Equal($"/{i:00}", await client.ReadAsync(3));
        }
    }
}

public sealed class PassThroughOverHttp2Tests() : PassThroughTests(isHttp2: true);
