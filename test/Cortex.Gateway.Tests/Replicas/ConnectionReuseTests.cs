using Cortex.Gateway.Replicas;
using Cortex.Gateway.Tests.Support;

namespace Cortex.Gateway.Tests.Replicas;

/// <summary>A connection to a replica is used again only when it is certain that nothing more of the last answer can come.</summary>
public abstract class ConnectionReuseTests(bool isHttp2) : ForwardingTests(isHttp2)
{
    private const string Poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

    /// <summary>Heads that end their answer, by the rules of HTTP, whatever a replica sends behind them.</summary>
    public static TheoryData<string, string> AnswersWithoutBody => new()
    {
        { "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n" },
        { "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
        { "HEAD", "HTTP/1.1 200 OK\r\n\r\n" },
        { "HEAD", "HTTP/1.1 404 Not Found\r\nContent-Length: 44\r\n\r\n" },
        { "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 44\r\n\r\n" },
        { "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" },
        { "GET", "HTTP/1.1 204 No Content\r\n\r\n" },
        { "GET", "HTTP/1.1 205 Reset Content\r\nContent-Length: 44\r\n\r\n" },
        { "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n" },
        { "GET", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n" },
        { "GET", "HTTP/1.1 103 Early Hints\r\nContent-Length: 44\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
        { "GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(AnswersWithoutBody))]
    public async Task Answer_WithoutBodyByRule_ItsBodyReachesNobodyElse(string method, string answer)
    {
        await using var replica = Misbehaving(answer);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 10, replica.Address()));
        using var first = await RawClient.OpenAsync(gateway.EndPoint);
        await first.SendAsync($"{method} /api/bad HTTP/1.1\r\nHost: a\r\n\r\n");
        await first.ReadHeadAsync();

        Assert.Equal("mine", await gateway.Client.GetStringAsync("api/good"));
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 44\r\n\r\n")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    public async Task Call_AnswerWithoutBodyByRule_ItsBodyReachesNoOtherCall(string answer)
    {
        await using var replica = Misbehaving(answer);
        using var client = new ReplicaClient(replica.Address(), new GatewayOptions(), TimeProvider.System);

        await CallAsync("/bad");

        Assert.Equal("mine", await CallAsync("/good"));

        async Task<string> CallAsync(string path)
        {
            await using var call = client.Call();
            await call.OpenAsync(client.Host, path);
            await call.SendAsync(default(ReadOnlyMemory<byte>));
            var text = "";
            while (await call.ReadAsync() is { Length: > 0 } run)
            {
                text += System.Text.Encoding.Latin1.GetString(run.Span);
            }

            return text;
        }
    }

    [Theory]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n")]
    public async Task Answer_SaysItselfThatItIsEmpty_LeavesConnectionUsable(string method, string answer)
    {
        await using var replica = RawUpstream.Answering(answer);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var client = await RawClient.OpenAsync(gateway.EndPoint);

        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync($"{method} /api HTTP/1.1\r\nHost: test\r\n\r\n");
            Assert.NotNull(await client.ReadHeadAsync());
        }

        Assert.Equal(1, replica.Connections);
    }

    /// <summary>
    /// Answers /bad with an answer, and sends poison behind it once another request has come on the same connection, when
    /// nothing but distrust of the first answer can tell it from that request's own.
    /// </summary>
    private static RawUpstream Misbehaving(string answer) => new(async connection =>
    {
        while (await connection.ReadHeadAsync() is { } head)
        {
            if (head.Contains(" /bad ", StringComparison.Ordinal))
            {
                await connection.SendAsync(answer);
                if (await connection.ReadHeadAsync() is not null)
                {
                    await connection.SendAsync(Poison);
                }

                return;
            }

            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine");
        }
    });
}

public sealed class ConnectionReuseOverHttp1Tests() : ConnectionReuseTests(isHttp2: false);

public sealed class ConnectionReuseOverHttp2Tests() : ConnectionReuseTests(isHttp2: true);
