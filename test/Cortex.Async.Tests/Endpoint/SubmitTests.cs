using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Cortex.Async.Tests.Support;
using Cortex.Queues;
using Cortex.Routing;

namespace Cortex.Async.Tests.Endpoint;

public sealed class SubmitTests
{
    [Theory]
    [InlineData("iris")]
    [InlineData("iris/")]
    [InlineData("iris?a=b")]
    public async Task Post_Payload_AnswersItsId(string target)
    {
        await using var host = await EndpointHost.StartAsync();

        using var answer = await host.SendAsync("POST", target, new StringContent("hello", Encoding.UTF8, "text/plain"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.ToString());
        Assert.False(answer.Headers.Contains("X-Cortex-Idempotent-Replay"));
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Matches("^{\"id\":\"[0-9a-f-]{36}\"}\n$", text);
        var message = await host.LeaseAsync();
        Assert.Contains(message.Lease.Id.ToString(), text, StringComparison.Ordinal);
        Assert.Equal("hello", Text(message.Payload));
        Assert.True(MessageHead.TryParse(message.Head, out var head));
        Assert.Contains("Content-Type: text/plain; charset=utf-8\r\n", Encoding.Latin1.GetString(head.HeaderLines.Span), StringComparison.Ordinal);
        Assert.Equal("iris", head.ApiName);
    }

    [Fact]
    public async Task Post_NoReplica_AwakensTheApiUnlessTheRequestIsDueLater()
    {
        var awakened = new List<string>();
        await using var host = await EndpointHost.StartAsync(awaken: awakened.Add);

        await host.SubmitAsync("{}", ("X-Cortex-Delay", "60"));
        Assert.Empty(awakened);
        await host.SubmitAsync();

        Assert.Equal(["iris"], awakened);
    }

    [Fact]
    public async Task Post_WithAReplica_AwakensNobody()
    {
        var awakened = new List<string>();
        await using var host = await EndpointHost.StartAsync(awaken: awakened.Add, replicas: new ReplicaAddress("a", "127.0.0.1", 1, 0));

        await host.SubmitAsync();

        Assert.Empty(awakened);
    }

    [Fact]
    public async Task Post_NothingAtAll_IsTaken()
    {
        await using var host = await EndpointHost.StartAsync();
        using var client = await RawClient.SendAsync(host.EndPoint, "POST /iris HTTP/1.1\r\nHost: x\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync());

        var message = await host.LeaseAsync();
        Assert.Equal(0, message.Payload.Length);
        Assert.True(MessageHead.TryParse(message.Head, out var head));
        Assert.True(head.HeaderLines.IsEmpty);
    }

    [Fact]
    public async Task Post_BytesOfHeaders_AreKeptAsTheyCame()
    {
        await using var host = await EndpointHost.StartAsync();
        using var client = await RawClient.SendAsync(host.EndPoint, "POST /iris HTTP/1.1\r\nHost: x\r\nX-Name: J\u00c3\u00b6rg \u00ff\r\nContent-Length: 1\r\n\r\n1");

        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync());

        Assert.True(MessageHead.TryParse((await host.LeaseAsync()).Head, out var head));
        Assert.Equal("X-Name: J\u00c3\u00b6rg \u00ff\r\n", Encoding.Latin1.GetString(head.HeaderLines.Span));
    }

    [Fact]
    public async Task Post_OnOneConnection_ServesOneAfterTheOther()
    {
        await using var host = await EndpointHost.StartAsync();
        const string Request = "POST /iris HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
        using var client = await RawClient.SendAsync(host.EndPoint, Request + "one" + Request + "two" + Request + "thr");

        for (var i = 0; i < 3; i++)
        {
            Assert.Contains("Content-Length: 46", await client.ReadHeadAsync(), StringComparison.Ordinal);
            await client.ReadUntilAsync("\n");
        }

        Assert.Equal(["one", "two", "thr"], host.Memory.Enqueued.Select(static message => Text(message.Payload)));
    }

    [Fact]
    public async Task Post_ExpectContinue_IsAskedToGoOn()
    {
        await using var host = await EndpointHost.StartAsync();
        using var client = await RawClient.SendAsync(host.EndPoint, "POST /iris HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 100", await client.ReadHeadAsync());
        await client.SendAsync("abc");

        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync());
        Assert.Equal("abc", Text((await host.LeaseAsync()).Payload));
    }

    [Theory]
    [InlineData(1024, false)]
    [InlineData(1025, true)]
    [InlineData(3_000_000, true)]
    public async Task Post_SizesAroundTheInlineLimit_AreKeptWhole(int size, bool inBlob)
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        var bytes = new byte[size];
        Random.Shared.NextBytes(bytes);
        foreach (var chunked in new[] { false, true })
        {
            var content = new ByteArrayContent(bytes);
            using var request = new HttpRequestMessage(HttpMethod.Post, "iris") { Content = content };
            request.Headers.TransferEncodingChunked = chunked;
            using var answer = await host.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

            var payload = (await host.LeaseAsync()).Payload;

            Assert.Equal(size, payload.Length);
            Assert.Equal(inBlob, payload.Blob is not null);
            Assert.Equal(bytes, payload.Blob is { } name ? host.Memory.MemoryBlobs.Blobs[name] : payload.Inline.ToArray());
        }
    }

    [Fact]
    public async Task Post_InHttp2_IsTaken()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        foreach (var size in new[] { 0, 10, 200_000 })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "iris")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(new byte[size]),
            };

            using var answer = await host.Client.SendAsync(request);

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(size, (await host.LeaseAsync()).Payload.Length);
        }
    }

    [Theory]
    [InlineData(2048, HttpStatusCode.OK)]
    [InlineData(2049, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(1_000_000, HttpStatusCode.RequestEntityTooLarge)]
    public async Task Post_SizesAroundMaxPayload_AreToldApart(int size, HttpStatusCode expected)
    {
        foreach (var inlineLimit in new[] { 1024, 4096 })
        {
            await using var host = await EndpointHost.StartAsync(policy: new QueuePolicy { MaxPayload = 2048 }, options: new AsyncOptions { InlineLimit = inlineLimit });
            foreach (var chunked in new[] { false, true })
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "iris") { Content = new ByteArrayContent(new byte[size]) };
                request.Headers.TransferEncodingChunked = chunked;

                using var answer = await host.Client.SendAsync(request);

                Assert.Equal(expected, answer.StatusCode);
                if (expected != HttpStatusCode.OK)
                {
                    Assert.Equal("error: the payload is larger than 2048 bytes, the API's queue.max_payload\n", await answer.Content.ReadAsStringAsync());
                    Assert.Empty(host.Memory.Enqueued);
                    Assert.Empty(host.Memory.MemoryBlobs.Blobs);
                }
            }
        }
    }

    [Theory]
    [InlineData("Content-Length: 100000\r\n\r\n", 500)]
    [InlineData("Content-Length: 100000\r\n\r\n", 50_000)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nC350\r\n", 50_000)]
    public async Task Post_ClientLeavesMidway_LeavesNothing(string framing, int sent)
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        using var client = await RawClient.SendAsync(host.EndPoint, "POST /iris HTTP/1.1\r\nHost: x\r\n" + framing + new string('x', sent));
        if (sent > 1024)
        {
            await Eventually.TrueAsync(() => host.Memory.MemoryBlobs.Writing == 1, "the blob is being written");
        }

        client.Reset();

        await Eventually.TrueAsync(() => host.Memory.MemoryBlobs.Writing == 0, "the write ended");
        await host.SubmitAsync("after");   // it is served on, and only this one was stored
        Assert.Equal("after", Text(Assert.Single(host.Memory.Enqueued).Payload));
        Assert.Empty(host.Memory.MemoryBlobs.Blobs);
    }

    [Fact]
    public async Task Post_PayloadThatStops_IsRefusedInTime()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { UploadIdleTimeout = TimeSpan.FromSeconds(1) });
        using var client = await RawClient.SendAsync(host.EndPoint, "POST /iris HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");

        Assert.StartsWith("HTTP/1.1 408", await client.ReadHeadAsync());
        Assert.Equal("error: less than 16384 bytes of the payload arrived in 1 seconds", await client.ReadUntilAsync("\n"));
        Assert.Empty(host.Memory.Enqueued);
    }

    [Fact]
    public async Task Post_SameIdempotencyKey_AnswersTheSameIdAndKeepsOne()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        var blob = new string('x', 5000);
        var first = await host.SubmitAsync(blob, ("Idempotency-Key", "k1"));

        using var again = await host.SendAsync("POST", "iris", new StringContent(blob), ("Idempotency-Key", "k1"));
        var other = await host.SubmitAsync("two", ("Idempotency-Key", "k2"));

        Assert.Equal($"{{\"id\":\"{first}\"}}\n", await again.Content.ReadAsStringAsync());
        Assert.Equal("true", again.Headers.GetValues("X-Cortex-Idempotent-Replay").Single());
        Assert.NotEqual(first, other);
        Assert.Equal(2, host.Memory.Enqueued.Count);
        Assert.Single(host.Memory.MemoryBlobs.Blobs);   // the second payload is deleted again
    }

    [Theory]
    [InlineData("one", "two")]
    [InlineData("one", "a large one")]
    [InlineData("a large one", "two")]
    public async Task Post_SameIdempotencyKeyOtherPayload_Answers422AndKeepsTheFirst(string first, string second)
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        var id = await host.SubmitAsync(Payload(first), ("Idempotency-Key", "k1"));
        var blobs = host.Memory.MemoryBlobs.Blobs.Count;

        using var answer = await host.SendAsync("POST", "iris", new StringContent(Payload(second)), ("Idempotency-Key", "k1"));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("another payload", text, StringComparison.Ordinal);
        Assert.DoesNotContain(id, text, StringComparison.Ordinal);
        Assert.Single(host.Memory.Enqueued);
        Assert.Equal(blobs, host.Memory.MemoryBlobs.Blobs.Count);
        Assert.Equal(id, await host.SubmitAsync(Payload(first), ("Idempotency-Key", "k1")));

        static string Payload(string name) => name == "a large one" ? new string('x', 5000) : name;
    }

    [Fact]
    public async Task Post_ByteNowAndThen_IsRefusedAsSilenceIs()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024, UploadIdleTimeout = TimeSpan.FromSeconds(1) });
        using var client = await RawClient.SendAsync(host.EndPoint, $"POST /iris HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{new string('x', 5000)}");
        var head = client.ReadHeadAsync();
        while (!head.IsCompleted)
        {
            await client.SendAsync("x");
            await Task.WhenAny(head, Task.Delay(100, TestContext.Current.CancellationToken));
        }

        Assert.StartsWith("HTTP/1.1 408", await head);
        await Eventually.TrueAsync(() => host.Memory.MemoryBlobs.Writing == 0, "the write ended");
        Assert.Empty(host.Memory.MemoryBlobs.Blobs);
    }

    [Fact]
    public async Task Post_PriorityAndDelay_AreHandedOn()
    {
        await using var host = await EndpointHost.StartAsync();

        await host.SubmitAsync("a", ("X-Cortex-Priority", "7"), ("X-Cortex-Delay", "1h30m"));

        var message = Assert.Single(host.Memory.Enqueued);
        Assert.Equal(7, message.Priority);
        Assert.Equal(TimeSpan.FromMinutes(90), message.Delay);
        Assert.Null(message.FollowUpQueue);
        Assert.Null(message.IdempotencyKey);
    }

    [Fact]
    public async Task Post_CallbackUrl_IsKeptForTheCallbacks()
    {
        await using var host = await EndpointHost.StartAsync();

        await host.SubmitAsync("a", ("X-Cortex-Callback-URL", "https://example.com/done?x=1"));

        var message = Assert.Single(host.Memory.Enqueued);
        Assert.Equal("callbacks", message.FollowUpQueue);
        Assert.True(MessageHead.TryParse(message.Head, out var head));
        Assert.Equal("https://example.com/done?x=1", head.CallbackUrl);
    }

    [Theory]
    [InlineData("X-Cortex-Priority", "10")]
    [InlineData("X-Cortex-Priority", "-1")]
    [InlineData("X-Cortex-Priority", "")]
    [InlineData("X-Cortex-Priority", "high")]
    [InlineData("X-Cortex-Delay", "soon")]
    [InlineData("X-Cortex-Delay", "-5s")]
    [InlineData("X-Cortex-Delay", "169h")]
    [InlineData("Idempotency-Key", "")]
    [InlineData("Idempotency-Key", "a b")]
    [InlineData("X-Cortex-Callback-URL", "")]
    [InlineData("X-Cortex-Callback-URL", "/relative")]
    [InlineData("X-Cortex-Callback-URL", "ftp://example.com/")]
    [InlineData("X-Cortex-Callback-URL", "http://u:p@example.com/")]
    [InlineData("X-Cortex-Callback-URL", "http://127.0.0.1:8888/delete/iris")]
    [InlineData("X-Cortex-Callback-URL", "http://localhost/")]
    public async Task Post_BadHeader_IsRefusedByName(string name, string value)
    {
        await using var host = await EndpointHost.StartAsync();

        using var answer = await host.SendAsync("POST", "iris", new StringContent("a"), (name, value));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(new MediaTypeHeaderValue("text/plain", "utf-8"), answer.Content.Headers.ContentType);
        Assert.StartsWith($"error: {name} ", await answer.Content.ReadAsStringAsync());
        Assert.Empty(host.Memory.Enqueued);
    }

    [Theory]
    [InlineData("Idempotency-Key", "a", "b")]
    [InlineData("X-Cortex-Priority", "1", "2")]
    [InlineData("X-Cortex-Callback-URL", "http://example.com/a", "http://example.com/b")]
    public async Task Post_HeaderTwice_IsRefused(string name, string one, string two)
    {
        await using var host = await EndpointHost.StartAsync();
        using var client = await RawClient.SendAsync(host.EndPoint, $"POST /iris HTTP/1.1\r\nHost: x\r\n{name}: {one}\r\n{name}: {two}\r\nContent-Length: 0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400", await client.ReadHeadAsync());
    }

    [Fact]
    public async Task Post_KeyOf255Characters_IsTakenAndOf256Refused()
    {
        await using var host = await EndpointHost.StartAsync();
        await host.SubmitAsync("a", ("Idempotency-Key", new string('k', 255)));

        using var answer = await host.SendAsync("POST", "iris", new StringContent("a"), ("Idempotency-Key", new string('k', 256)));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Post_StoreFull_Answers507AndKeepsNoBlob()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        host.Memory.Trouble = new StoreFullException("the disk of /data is full");
        foreach (var size in new[] { 1, 5000 })
        {
            using var answer = await host.SendAsync("POST", "iris", new ByteArrayContent(new byte[size]));

            Assert.Equal(HttpStatusCode.InsufficientStorage, answer.StatusCode);
            Assert.Equal("error: the server has no room for the request; nothing was stored\n", await answer.Content.ReadAsStringAsync());
        }

        Assert.Empty(host.Memory.MemoryBlobs.Blobs);
        host.Memory.Trouble = null;
        await host.SubmitAsync("after");
    }

    [Fact]
    public async Task Post_BlobStoreFull_Answers507()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        host.Memory.MemoryBlobs.Trouble = new StoreFullException("the disk of /blobs is full");

        using var answer = await host.SendAsync("POST", "iris", new ByteArrayContent(new byte[5000]));

        Assert.Equal(HttpStatusCode.InsufficientStorage, answer.StatusCode);
        Assert.DoesNotContain("/blobs", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(host.Memory.Enqueued);
    }

    [Fact]
    public async Task Post_StoreBusy_Answers503WithRetryAfter()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        host.Memory.Trouble = new StoreBusyException("16384 operations wait to be written");

        using var answer = await host.SendAsync("POST", "iris", new ByteArrayContent(new byte[5000]));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("1", answer.Headers.GetValues("Retry-After").Single());
        Assert.Equal("error: 16384 operations wait to be written\n", await answer.Content.ReadAsStringAsync());
        Assert.Empty(host.Memory.MemoryBlobs.Blobs);
    }

    [Fact]
    public async Task Post_StoreUnavailable_Answers503AndKeepsThePayload()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { InlineLimit = 1024 });
        host.Memory.Trouble = new StoreUnavailableException("the database does not answer");

        using var answer = await host.SendAsync("POST", "iris", new ByteArrayContent(new byte[5000]));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("1", answer.Headers.GetValues("Retry-After").Single());
        Assert.Single(host.Memory.MemoryBlobs.Blobs);   // the request may have been stored: its payload must stay
    }

    [Fact]
    public async Task Post_QueueNotMadeYet_Answers503()
    {
        await using var host = await EndpointHost.StartAsync();
        host.Memory.Trouble = new InvalidOperationException("queue async/iris was never configured");

        using var answer = await host.SendAsync("POST", "iris", new StringContent("a"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
    }

    [Fact]
    public async Task Post_ManyAtOnce_AllGetIdsOfTheirOwn()
    {
        await using var host = await EndpointHost.StartAsync();

        var ids = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => host.SubmitAsync($"{{\"n\":{i}}}")));

        Assert.Equal(500, ids.Distinct().Count());
        Assert.Equal(
            Enumerable.Range(0, 500).Order(),
            host.Memory.Enqueued.Select(static message => int.Parse(Regex.Match(Text(message.Payload), "[0-9]+").Value)).Order());
    }

    private static string Text(Body body) => Encoding.UTF8.GetString(body.Inline.Span);
}
