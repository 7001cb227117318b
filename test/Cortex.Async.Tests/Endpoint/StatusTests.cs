using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Cortex.Async.Endpoint;
using Cortex.Async.Tests.Support;
using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Async.Tests.Endpoint;

public sealed class StatusTests
{
    private static readonly Attempt BadStatus = new()
    {
        Started = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero),
        Ended = new DateTimeOffset(2026, 1, 2, 3, 4, 6, TimeSpan.Zero),
        Worker = "pod-1",
        Reason = "bad_status",
        Message = "the container answered with status 500",
        StatusCode = 500,
        Answer = "Zo\u00eb says \"no\" <b>\ud800",
    };

    [Fact]
    public async Task Get_ThroughItsLife_TellsTheStatus()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();

        var queued = await host.Client.GetStringAsync($"iris/{id}");
        var lease = await host.LeaseAsync();
        var working = await host.Client.GetStringAsync($"iris/{id}");
        await host.Memory.CompleteAsync(lease.Lease, Body.Of("{ \"b\": 1,\"a\":[0.10] }"u8.ToArray()), CancellationToken.None);
        var done = await host.Client.GetStringAsync($"iris/{id}");

        Assert.Equal($"{{\"id\":\"{id}\",\"status\":\"in_queue\"}}\n", queued);
        Assert.Equal($"{{\"id\":\"{id}\",\"status\":\"in_progress\"}}\n", working);
        Assert.Matches($"^{{\"id\":\"{id}\",\"status\":\"completed\",\"result\":{{ \"b\": 1,\"a\":\\[0\\.10\\] }},\"timestamp\":\"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z\"}}\n$", done);
    }

    [Theory]
    [InlineData("[1,2]")]
    [InlineData("\"text\"")]
    [InlineData("17")]
    [InlineData("null")]
    [InlineData("false")]
    public async Task Get_ResultThatIsNoObject_IsGivenAsItIs(string result)
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        await host.CompleteNextAsync(result);

        Assert.Equal(result, (await host.GetAsync(id)).GetProperty("result").GetRawText());
    }

    [Fact]
    public async Task Get_Failed_TellsWhy()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        await host.FailNextAsync(BadStatus);

        var answer = await host.GetAsync(id);

        Assert.Equal("failed", answer.GetProperty("status").GetString());
        Assert.True(answer.TryGetProperty("timestamp", out _));
        var error = answer.GetProperty("error");
        Assert.Equal("bad_status", error.GetProperty("reason").GetString());
        Assert.Equal("the container answered with status 500", error.GetProperty("message").GetString());
        Assert.Equal(500, error.GetProperty("status_code").GetInt32());
        Assert.Equal("Zo\u00eb says \"no\" <b>\ufffd", error.GetProperty("answer").GetString());
        var attempt = Assert.Single(answer.GetProperty("attempts").EnumerateArray());
        Assert.Equal("2026-01-02T03:04:05.678Z", attempt.GetProperty("started").GetString());
        Assert.Equal("2026-01-02T03:04:06.000Z", attempt.GetProperty("ended").GetString());
        Assert.Equal("pod-1", attempt.GetProperty("worker").GetString());
        Assert.False(answer.TryGetProperty("result", out _));
    }

    [Fact]
    public async Task Get_WaitingForItsNextAttempt_TellsWhen()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var lease = await host.LeaseAsync();
        await host.Memory.FailAsync(lease.Lease, BadStatus with { StatusCode = null, Answer = "", Reason = "timeout" }, TimeSpan.FromHours(1), null, CancellationToken.None);

        var answer = await host.GetAsync(id);

        Assert.Equal("in_queue", answer.GetProperty("status").GetString());
        Assert.True(answer.GetProperty("not_before").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(50));
        var attempt = Assert.Single(answer.GetProperty("attempts").EnumerateArray());
        Assert.Equal("timeout", attempt.GetProperty("reason").GetString());
        Assert.False(attempt.TryGetProperty("status_code", out _));
        Assert.False(attempt.TryGetProperty("answer", out _));
        Assert.False(answer.TryGetProperty("error", out _));
    }

    [Fact]
    public async Task Get_LargeResult_IsStreamedWhole()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var lease = (await host.LeaseAsync()).Lease;
        var result = Encoding.UTF8.GetBytes("\"" + new string('r', 3_000_000) + "\"");
        var name = BlobNames.Result(lease);
        await host.Memory.Blobs.WriteAsync(name, new MemoryStream(result), CancellationToken.None);
        await host.Memory.CompleteAsync(lease, Body.InBlob(name, result.Length), CancellationToken.None);

        using var answer = await host.SendAsync("GET", $"iris/{id}");
        using var head = await host.SendAsync("HEAD", $"iris/{id}");

        var bytes = await answer.Content.ReadAsByteArrayAsync();
        Assert.Equal(answer.Content.Headers.ContentLength, bytes.Length);
        Assert.Equal(head.Content.Headers.ContentLength, bytes.Length);
        var json = JsonDocument.Parse(bytes).RootElement;
        Assert.Equal(3_000_000, json.GetProperty("result").GetString()!.Length);
        Assert.Equal("completed", json.GetProperty("status").GetString());
        Assert.True(json.TryGetProperty("timestamp", out _));
    }

    [Fact]
    public async Task Get_LargeResultThatIsGone_Answers500()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var lease = (await host.LeaseAsync()).Lease;
        await host.Memory.CompleteAsync(lease, Body.InBlob(BlobNames.Result(lease), 100_000), CancellationToken.None);

        using var answer = await host.SendAsync("GET", $"iris/{id}");

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.StartsWith("error: ", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Get_LargeResultCutShort_BreaksTheAnswerOff()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var lease = (await host.LeaseAsync()).Lease;
        host.Memory.MemoryBlobs.Blobs[BlobNames.Result(lease)] = new byte[100_000];
        await host.Memory.CompleteAsync(lease, Body.InBlob(BlobNames.Result(lease), 100_001), CancellationToken.None);

        await Assert.ThrowsAsync<HttpRequestException>(() => host.Client.GetStringAsync($"iris/{id}"));
    }

    [Theory]
    [InlineData("00000000-0000-8001-8000-000000000000")]
    [InlineData("nothing")]
    [InlineData("c5a1e8f0-0000-4000-8000-000000000000")]
    [InlineData("%20")]
    public async Task AnyMethod_UnknownId_Answers404(string id)
    {
        await using var host = await EndpointHost.StartAsync();
        foreach (var (method, path) in new[] { ("GET", ""), ("GET", "?wait=1s"), ("DELETE", ""), ("POST", "/retry") })
        {
            using var answer = await host.SendAsync(method, $"iris/{id}{path}");

            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            Assert.Equal($"error: id {id} not found\n", await answer.Content.ReadAsStringAsync());
            Assert.Equal("text/plain; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        }
    }

    [Fact]
    public async Task AnyMethod_IdOfAnotherApi_Answers404()
    {
        await using var host = await EndpointHost.StartAsync();
        await host.Memory.ConfigureAsync("async/other", new QueueSettings(TimeSpan.FromHours(1)), CancellationToken.None);
        var id = host.Memory.NewId();
        await host.Memory.EnqueueAsync(new NewMessage { Id = id, Queue = "async/other" }, CancellationToken.None);
        foreach (var (method, path) in new[] { ("GET", ""), ("DELETE", ""), ("POST", "/retry") })
        {
            using var answer = await host.SendAsync(method, $"iris/{id}{path}");
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Get_IdInUpperCase_IsFound()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();

        Assert.Equal(id, (await host.GetAsync(id.ToUpperInvariant())).GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("GET", "iris/a/b", 404, null)]
    [InlineData("GET", "iris/a/", 404, null)]
    [InlineData("POST", "iris/a", 405, "DELETE, GET, HEAD")]
    [InlineData("POST", "iris/a/b", 405, "GET, HEAD")]
    [InlineData("PUT", "iris/a", 405, "DELETE, GET, HEAD")]
    [InlineData("PUT", "iris", 405, "POST")]
    [InlineData("DELETE", "iris", 405, "POST")]
    [InlineData("OPTIONS", "iris", 405, "POST")]
    [InlineData("GET", "iris", 405, "POST")]
    [InlineData("GET", "iris?limit=1", 405, "POST")]
    [InlineData("GET", "iris/", 405, "POST")]
    [InlineData("DELETE", "iris/a/b", 404, null)]
    public async Task OtherMethodsAndPaths_Answer(string method, string target, int status, string? allow)
    {
        await using var host = await EndpointHost.StartAsync();

        using var answer = await host.SendAsync(method, target);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(allow, answer.Content.Headers.Allow.Count == 0 ? null : string.Join(", ", answer.Content.Headers.Allow));
        Assert.StartsWith("error: ", await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("DELETE")]
    public async Task Healthz_AnyMethod_IsOk(string method)
    {
        await using var host = await EndpointHost.StartAsync();

        using var answer = await host.SendAsync(method, "iris/healthz");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Wait_CompletedMeanwhile_AnswersAtOnce()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var waiting = host.GetAsync(id, "?wait=55s");
        await Eventually.TrueAsync(() => host.Memory.Waiters == 1, "it waits");
        Assert.False(waiting.IsCompleted);

        await host.CompleteNextAsync("1");

        Assert.Equal("completed", (await waiting).GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("900ms")]
    [InlineData("0.9s")]
    public async Task Wait_TimeUp_TellsTheStatus(string wait)
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var watch = Stopwatch.StartNew();

        var answer = await host.GetAsync(id, $"?wait={wait}");

        Assert.Equal("in_queue", answer.GetProperty("status").GetString());
        Assert.True(watch.Elapsed > TimeSpan.FromMilliseconds(850), watch.Elapsed.ToString());
    }

    [Fact]
    public async Task Wait_LongerThanMaxWait_IsCut()
    {
        await using var host = await EndpointHost.StartAsync(options: new AsyncOptions { MaxWait = TimeSpan.FromSeconds(1) });
        var id = await host.SubmitAsync();

        Assert.Equal("in_queue", (await host.GetAsync(id, "?wait=24h")).GetProperty("status").GetString());   // the client's own limit is 60 s
    }

    [Theory]
    [InlineData("?wait=long")]
    [InlineData("?wait=-1")]
    [InlineData("?wait=")]
    [InlineData("?a=b&wait")]
    public async Task Wait_NoDuration_Answers400(string query)
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();

        using var answer = await host.SendAsync("GET", $"iris/{id}{query}");

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Wait_ClientLeaves_FreesItsPlace()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        using var client = await RawClient.SendAsync(host.EndPoint, $"GET /iris/{id}?wait=5m HTTP/1.1\r\nHost: x\r\n\r\n");
        await Eventually.TrueAsync(() => host.Memory.Waiters == 1, "it waits");

        client.Reset();

        await Eventually.TrueAsync(() => host.Memory.Waiters == 0, "its place is free");
    }

    [Fact]
    public async Task Wait_ServerAboutToStop_TellsTheStatus()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var waiting = host.GetAsync(id, "?wait=55s");
        await Eventually.TrueAsync(() => host.Memory.Waiters == 1, "it waits");

        host.AnnounceStop();

        Assert.Equal("in_queue", (await waiting).GetProperty("status").GetString());
        Assert.Equal("in_queue", (await host.GetAsync(id, "?wait=55s")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Delete_Waiting_CancelsOnce()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();

        using var first = await host.SendAsync("DELETE", $"iris/{id}");
        using var second = await host.SendAsync("DELETE", $"iris/{id}");

        Assert.Equal($"{{\"id\":\"{id}\",\"status\":\"cancelled\"}}\n", await first.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        Assert.StartsWith("error: ", await second.Content.ReadAsStringAsync());
        var after = await host.GetAsync(id);
        Assert.Equal("cancelled", after.GetProperty("status").GetString());
        Assert.True(after.TryGetProperty("timestamp", out _));
    }

    [Fact]
    public async Task Delete_InProgress_RevokesItsLease()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var message = await host.LeaseAsync();

        using var answer = await host.SendAsync("DELETE", $"iris/{id}");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.True(message.Revoked.IsCancellationRequested);
    }

    [Fact]
    public async Task Retry_Failed_PutsItBack()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        using var tooEarly = await host.SendAsync("POST", $"iris/{id}/retry");
        await host.FailNextAsync(BadStatus);

        using var answer = await host.SendAsync("POST", $"iris/{id}/retry");

        Assert.Equal(HttpStatusCode.Conflict, tooEarly.StatusCode);
        Assert.Equal($"{{\"id\":\"{id}\",\"status\":\"in_queue\"}}\n", await answer.Content.ReadAsStringAsync());
        Assert.Equal("in_queue", (await host.GetAsync(id)).GetProperty("status").GetString());
        Assert.Single((await host.GetAsync(id)).GetProperty("attempts").EnumerateArray());
    }

    [Fact]
    public async Task List_Pages_GiveEveryRequestOnceNewestFirst()
    {
        await using var host = await EndpointHost.StartAsync();
        List<string> ids = [];
        for (var i = 0; i < 7; i++)
        {
            ids.Add(await host.SubmitAsync("{}", ("X-Cortex-Priority", $"{i}")));
        }

        List<string> listed = [];
        string? cursor = null;
        do
        {
            var page = await ListAsync(host, new RequestQuery(null, "3", cursor));
            listed.AddRange(page.GetProperty("requests").EnumerateArray().Select(static request => request.GetProperty("id").GetString()!));
            cursor = page.TryGetProperty("cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);

        Assert.Equal(Enumerable.Reverse(ids), listed);
        var first = (await ListAsync(host, new RequestQuery(null, "1", null))).GetProperty("requests")[0];
        Assert.Equal("in_queue", first.GetProperty("status").GetString());
        Assert.Equal(6, first.GetProperty("priority").GetInt32());
        Assert.True(first.GetProperty("created").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-5));
        Assert.False(first.TryGetProperty("timestamp", out _));
    }

    [Theory]
    [InlineData("in_queue")]
    [InlineData("in_progress")]
    [InlineData("completed")]
    [InlineData("failed")]
    [InlineData("cancelled")]
    public async Task List_ByStatus_GivesOnlyThose(string status)
    {
        await using var host = await EndpointHost.StartAsync();
        await host.SubmitAsync();
        await host.SubmitAsync();
        await host.SubmitAsync();
        await host.CompleteNextAsync("1");
        await host.FailNextAsync(BadStatus);
        await host.LeaseAsync();
        await host.SubmitAsync();
        await host.SendAsync("DELETE", $"iris/{await host.SubmitAsync()}");

        var requests = (await ListAsync(host, new RequestQuery(status, null, null))).GetProperty("requests");

        var request = Assert.Single(requests.EnumerateArray());
        Assert.Equal(status, request.GetProperty("status").GetString());
        Assert.Equal(status is "completed" or "failed" or "cancelled", request.TryGetProperty("timestamp", out _));
    }

    [Theory]
    [InlineData("done", null, null)]
    [InlineData(null, "0", null)]
    [InlineData(null, "1001", null)]
    [InlineData(null, "x", null)]
    [InlineData(null, null, "x")]
    [InlineData(null, null, "-1")]
    public async Task List_BadQuery_IsRefused(string? status, string? limit, string? cursor)
    {
        await using var host = await EndpointHost.StartAsync();

        await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(host, new RequestQuery(status, limit, cursor)));
    }

    [Fact]
    public async Task Answer_OfAFailedRequest_IsGivenAsItCame()
    {
        byte[] said = [(byte)'{', 0xE9, (byte)'}'];
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        var lease = (await host.LeaseAsync()).Lease;
        await host.Memory.FailAsync(lease, BadStatus with { Reason = "not_json" }, null, Body.Of(said), CancellationToken.None);

        using var answer = await host.SendAsync("GET", $"iris/{id}/answer");

        Assert.Equal(said, await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(("application/octet-stream", "attachment"), (answer.Content.Headers.ContentType!.MediaType, answer.Content.Headers.ContentDisposition!.DispositionType));
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Fact]
    public async Task Answer_OfACompletedRequest_IsItsResultAndOfOthersUnknown()
    {
        await using var host = await EndpointHost.StartAsync();
        var done = await host.SubmitAsync();
        await host.CompleteNextAsync("[1,  2]");
        var waiting = await host.SubmitAsync();

        Assert.Equal("[1,  2]", await host.Client.GetStringAsync($"iris/{done}/answer"));
        using var none = await host.SendAsync("GET", $"iris/{waiting}/answer");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        Assert.Contains("in_queue", await none.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Head_Requests_AnswerAsGetWithoutABody()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        foreach (var target in new[] { $"iris/{id}", "iris/unknown", "iris/healthz" })
        {
            using var get = await host.SendAsync("GET", target);
            using var client = await RawClient.SendAsync(host.EndPoint, $"HEAD /{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

            var head = await client.ReadHeadAsync();

            Assert.StartsWith($"HTTP/1.1 {(int)get.StatusCode} ", head);
            Assert.Contains($"Content-Length: {get.Content.Headers.ContentLength}", head, StringComparison.Ordinal);
            Assert.Equal("", await client.ReadUntilAsync("nothing follows"));
        }
    }

    [Fact]
    public async Task Write_StoreUnavailable_Answers503()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync();
        host.Memory.Trouble = new StoreUnavailableException("the database at /srv/db does not answer");
        foreach (var (method, target) in new[] { ("DELETE", $"iris/{id}"), ("POST", $"iris/{id}/retry") })
        {
            using var answer = await host.SendAsync(method, target);

            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.StartsWith("error: the server's storage can't be used", text);
            Assert.DoesNotContain("/srv/db", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Get_WithCallback_TellsThatItIsPending()
    {
        await using var host = await EndpointHost.StartAsync();
        var id = await host.SubmitAsync("{}", ("X-Cortex-Callback-URL", "https://example.com/done"));

        var before = await host.GetAsync(id);
        await host.CompleteNextAsync("1");
        var after = await host.GetAsync(id);

        foreach (var answer in new[] { before, after })
        {
            Assert.Equal("https://example.com/done", answer.GetProperty("callback").GetProperty("url").GetString());
            Assert.Equal("pending", answer.GetProperty("callback").GetProperty("status").GetString());
            Assert.False(answer.GetProperty("callback").TryGetProperty("attempts", out _));
        }
    }

    private static async Task<JsonElement> ListAsync(EndpointHost host, RequestQuery query) =>
        JsonDocument.Parse(await RequestList.ReadAsync(host.Memory, "iris", query, CancellationToken.None)).RootElement;
}
