using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Cortex.Gateway.Tests.Support;
using Cortex.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Cortex.Gateway.Tests.Forwarding;

/// <summary>HTTP/2 without TLS, on the port that serves HTTP/1.1, and gRPC over it.</summary>
public sealed class Http2Tests
{
    [Fact]
    public async Task Http2Client_PlainRequest_ReachesHttp11Replica()
    {
        await using var replica = await AppUpstream.StartAsync(async http =>
        {
            Assert.Equal("HTTP/1.1", http.Request.Protocol);
            http.Response.Headers["X-Host"] = http.Request.Host.Value;
            await http.Request.Body.CopyToAsync(http.Response.Body);
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 10, 10, replica.Address()));

        for (var i = 0; i < 3; i++)
        {
            using var request = Http2(HttpMethod.Post, "api/x", new StringContent("hello"));
            using var answer = await gateway.Client.SendAsync(request);
            Assert.Equal(HttpVersion.Version20, answer.Version);
            Assert.Equal("hello", await answer.Content.ReadAsStringAsync());
            Assert.Equal($"127.0.0.1:{gateway.EndPoint.Port}", answer.Headers.GetValues("X-Host").Single());
            Assert.Equal("ok", await GetOkAsync(gateway));
        }

        // The same port serves HTTP/1.1 in between.
        static async Task<string> GetOkAsync(TestGateway gateway)
        {
            using var answer = await gateway.Client.PostAsync("api", new StringContent("ok"));
            Assert.Equal(HttpVersion.Version11, answer.Version);
            return await answer.Content.ReadAsStringAsync();
        }
    }

    [Fact]
    public async Task Http2Client_ManyStreamsAtOnce_AllAnswered()
    {
        await using var replica = await AppUpstream.StartAsync(http => http.Response.WriteAsync(http.Request.Path));
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 5, 1000, replica.Address()));

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            using var request = Http2(HttpMethod.Get, $"api/{i}", null);
            using var answer = await gateway.Client.SendAsync(request);
            return await answer.Content.ReadAsStringAsync();
        })).WithinLimit();

        Assert.Equal(Enumerable.Range(0, 200).Select(static i => $"/{i}"), answers);
    }

    [Theory]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n", 300)]
    [InlineData("GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n", 1)]
    [InlineData("DELETE", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 100_000)]
    public async Task Http2Client_AnswerWithLength_ArrivesWhole(string method, string head, int length)
    {
        // Head and body apart, as most servers send them: the gateway then passes them on one after the other.
        await using var replica = new RawUpstream(async connection =>
        {
            while (await connection.ReadHeadAsync() is not null)
            {
                await connection.SendAsync(head);
                await Task.Yield();
                await connection.SendAsync(new string('a', length));
            }
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 10, 100, replica.Address()));

        for (var round = 0; round < 50; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
            {
                using var request = Http2(new HttpMethod(method), "api", null);
                using var answer = await gateway.Client.SendAsync(request);
                Assert.Equal(length, (await answer.Content.ReadAsByteArrayAsync()).Length);
            })).WithinLimit();
        }
    }

    [Fact]
    public async Task Http2Client_ReplicaBreaksOff_StreamIsReset()
    {
        await using var replica = new RawUpstream(async connection =>
        {
            await connection.ReadHeadAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        });
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var request = Http2(HttpMethod.Get, "api", null);

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => gateway.Client.SendAsync(request));
    }

    [Fact]
    public async Task Grpc_Call_KeepsMessagesAndTrailers()
    {
        await using var replica = await AppUpstream.StartAsync(
            async http =>
            {
                Assert.Equal("HTTP/2", http.Request.Protocol);
                Assert.Equal("/pkg.Service/Call", http.Request.Path);
                Assert.Equal("trailers", http.Request.Headers.TE.ToString());
                Assert.Equal("bin", http.Request.Headers["x-meta"].ToString());
                Assert.Equal("127.0.0.1", http.Request.Headers["X-Forwarded-For"].ToString());
                http.Response.ContentType = "application/grpc";
                http.Response.DeclareTrailer("grpc-status");
                await http.Request.Body.CopyToAsync(http.Response.Body);
                http.Response.AppendTrailer("grpc-status", "0");
                http.Response.AppendTrailer("grpc-message", "fine");
            },
            HttpProtocols.Http2);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var request = Grpc("api/pkg.Service/Call", new ByteArrayContent([0, 0, 0, 0, 2, 1, 2]));
        request.Headers.Add("x-meta", "bin");
        request.Headers.Add("X-Forwarded-For", "6.6.6.6");   // nobody trusts this client

        using var answer = await gateway.Client.SendAsync(request);

        Assert.Equal([0, 0, 0, 0, 2, 1, 2], await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal("application/grpc", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("api", answer.Headers.GetValues("X-Cortex-Origin").Single());
        Assert.Equal("0", answer.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.Equal("fine", answer.TrailingHeaders.GetValues("grpc-message").Single());
    }

    [Fact]
    public async Task Grpc_FailedCall_TrailersOnlyAnswerArrives()
    {
        await using var replica = await AppUpstream.StartAsync(
            http =>
            {
                http.Response.ContentType = "application/grpc";
                http.Response.Headers["grpc-status"] = "5";
                return Task.CompletedTask;
            },
            HttpProtocols.Http2);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        using var request = Grpc("api/pkg.Service/Call", new ByteArrayContent([0]));

        using var answer = await gateway.Client.SendAsync(request);

        Assert.Equal("5", answer.Headers.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task Grpc_BidirectionalStream_MessagesAlternate()
    {
        await using var replica = await AppUpstream.StartAsync(
            async http =>
            {
                http.Response.ContentType = "application/grpc";
                await http.Response.Body.FlushAsync();
                var buffer = new byte[100];
                while (await http.Request.Body.ReadAsync(buffer) is > 0 and var count)
                {
                    await http.Response.Body.WriteAsync(buffer.AsMemory(0, count));
                    await http.Response.Body.FlushAsync();
                }

                http.Response.AppendTrailer("grpc-status", "0");
            },
            HttpProtocols.Http2);
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, replica.Address()));
        var pipe = new Pipe();
        using var request = Grpc("api/pkg.Service/Chat", new PipeContent(pipe.Reader));
        using var answer = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WithinLimit();
        using var stream = await answer.Content.ReadAsStreamAsync();

        for (var i = 0; i < 10; i++)
        {
            var message = Encoding.ASCII.GetBytes($"message {i}");
            await pipe.Writer.WriteAsync(message);
            var echo = new byte[message.Length];
            await stream.ReadExactlyAsync(echo).AsTask().WithinLimit();
            Assert.Equal(message, echo);
        }

        await pipe.Writer.CompleteAsync();
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WithinLimit());
        Assert.Equal("0", answer.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task Grpc_ReplicaRefuses_AnotherOneAnswers()
    {
        await using var alive = await AppUpstream.StartAsync(
            http =>
            {
                http.Response.ContentType = "application/grpc";
                http.Response.AppendTrailer("grpc-status", "0");
                return Task.CompletedTask;
            },
            HttpProtocols.Http2);
        await using var gateway = await TestGateway.StartAsync(
            Routes.Api("api", 1, 1, Routes.Replica("dead", port: 1), alive.Address("alive")));

        for (var i = 0; i < 4; i++)
        {
            using var request = Grpc("api/pkg.Service/Call", new ByteArrayContent([1, 2, 3]));
            using var answer = await gateway.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await Eventually.TrueAsync(() => gateway.Server.GetTraffic("api") == new ApiTraffic(0, 0), "the slots are free");
    }

    [Fact]
    public async Task Grpc_NoReplicaReachable_Is502()
    {
        await using var gateway = await TestGateway.StartAsync(Routes.Api("api", 1, 1, Routes.Replica("dead", port: 1)));
        using var request = Grpc("api/pkg.Service/Call", new ByteArrayContent([1, 2, 3]));

        using var answer = await gateway.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
    }

    private static HttpRequestMessage Grpc(string target, HttpContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        var request = Http2(HttpMethod.Post, target, content);
        request.Headers.TE.ParseAdd("trailers");
        return request;
    }

    private static HttpRequestMessage Http2(HttpMethod method, string target, HttpContent? content) => new(method, target)
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = content,
    };
}
