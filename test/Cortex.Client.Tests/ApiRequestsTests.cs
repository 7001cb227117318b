using System.Runtime.CompilerServices;
using System.Text;
using Cortex.Client.Calling;
using Cortex.Client.Tests.Support;
using Cortex.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace Cortex.Client.Tests;

/// <summary>Requests of an Async API, over real HTTP.</summary>
public sealed class ApiRequestsTests : IAsyncLifetime
{
    private ClusterServer _server = null!;
    private CortexClient _client = null!;
    private ApiRequests _texts = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ClusterServer.StartAsync();
        _client = _server.Connect();
        _texts = _client.Requests("texts");
        _server.On("GET /get/texts", Api("AsyncAPI"));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Submit_Value_IsSentAsJsonWithItsOptionsAndWithoutTheToken()
    {
        _server.On("POST /texts", """{"id":"a-1"}""");

        var submitted = await _texts.SubmitAsync(new Item(5), TestJson.Default.Item, new SubmitOptions
        {
            IdempotencyKey = "day-17",
            Priority = 9,
            Delay = TimeSpan.FromMinutes(1.5),
            CallbackUrl = "https://example.com/done",
            Headers = [new("X-Mine", "yes"), new("Content-Language", "de")],
        });

        Assert.Equal(("a-1", false), (submitted.Id, submitted.IsReplay));
        var call = _server.Requests.Last();
        Assert.Equal(("POST /texts", """{"Number":5}"""), (call.Line, call.Body));
        Assert.Equal(
            ("application/json", "day-17", "9", "90s", "https://example.com/done", "yes", "de"),
            (call.Headers["Content-Type"], call.Headers["Idempotency-Key"], call.Headers["X-Cortex-Priority"], call.Headers["X-Cortex-Delay"], call.Headers["X-Cortex-Callback-URL"], call.Headers["X-Mine"], call.Headers["Content-Language"]));
        Assert.False(call.Headers.ContainsKey("Authorization"));
    }

    [Fact]
    public async Task Submit_ConnectionBreaksAndHasAKey_IsSentAgain()
    {
        _server.Break("POST /texts").Break("POST /texts").On("POST /texts", async context =>
        {
            context.Response.Headers["X-Cortex-Idempotent-Replay"] = "true";
            await context.Response.WriteAsync("""{"id":"a-1"}""");
        });

        var submitted = await _texts.SubmitAsync(new Item(5), TestJson.Default.Item, new SubmitOptions { IdempotencyKey = "k", Headers = [new("Content-Language", "de")] });

        Assert.Equal(("a-1", true), (submitted.Id, submitted.IsReplay));
        Assert.Equal(3, _server.Requests.Count(request => request is { Line: "POST /texts", Body: """{"Number":5}""" }));
        Assert.Equal("de", _server.Requests.Last().Headers["Content-Language"]);
    }

    [Fact]
    public async Task Submit_ConnectionBreaksAndHasNoKey_SaysThatNobodyKnows()
    {
        _server.Break("POST /texts");

        Assert.Equal(ClientErrorKinds.SubmissionLost, (await Assert.ThrowsAsync<CortexException>(() => _texts.SubmitAsync(new Item(5), TestJson.Default.Item))).Kind);
        Assert.Single(_server.Requests, request => request.Line == "POST /texts");
    }

    [Fact]
    public async Task Submit_StreamWithAKey_IsNotSentAgain()
    {
        _server.Break("POST /texts");
        using var content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes("words")));

        Assert.Equal(ClientErrorKinds.SubmissionLost, (await Assert.ThrowsAsync<CortexException>(() => _texts.SubmitAsync(content, new SubmitOptions { IdempotencyKey = "k" }))).Kind);
        Assert.Single(_server.Requests, request => request.Line == "POST /texts");
    }

    [Fact]
    public async Task Submit_Refused_HasTheWordsOfTheApi()
    {
        _server.On("POST /texts", "error: the payload is too large\n", 413);

        var error = await Assert.ThrowsAsync<CortexException>(() => _texts.SubmitAsync(new Item(5), TestJson.Default.Item));

        Assert.Equal(ClientErrorKinds.RequestRefused, error.Kind);
        Assert.StartsWith("the payload is too large\n\nraise `queue: {max_payload", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_ApiOfAnotherKind_IsRefusedHere()
    {
        _server.On("GET /get/other", Api("RealtimeAPI"));

        Assert.Contains("only AsyncAPIs have requests", (await Assert.ThrowsAsync<CortexException>(() => _client.Requests("other").GetAsync("x"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EndpointGiven_OperatorIsNotAsked()
    {
        _server.On("GET /texts/a-1", """{"id":"a-1","status":"in_queue","not_before":"2026-11-30T12:00:00Z"}""");

        var state = await _client.Requests("texts", _server.Endpoint + "/texts/").GetAsync("a-1", TimeSpan.FromMilliseconds(1500));

        Assert.Equal(("in_queue", false, new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero)), (state.Status, state.IsFinal, state.NotBefore));
        Assert.Equal("GET /texts/a-1?wait=2s", Assert.Single(_server.Requests).Line);
    }

    [Theory]
    [InlineData("http://operator.default.svc.cluster.local:8888", "http://10.0.0.1:8889/texts", "http://ingressgateway-apis.istio-system.svc.cluster.local/texts")]
    [InlineData("http://operator.default.svc.cluster.local:8888", "/texts", "http://ingressgateway-apis.istio-system.svc.cluster.local/texts")]
    [InlineData("http://127.0.0.1:8888", "http://127.0.0.1:8889/texts/", "http://127.0.0.1:8889/texts")]
    public void Address_InsideOfAContainer_IsTheInnerOne(string operatorEndpoint, string endpoint, string expected) =>
        Assert.Equal(expected, ApiAddress.Of(new CortexEnvironment { Name = "x", OperatorEndpoint = operatorEndpoint }, endpoint));

    [Fact]
    public async Task Result_BecomesReadyOverARestart_IsRead()
    {
        _server.On("GET /texts/a-1", """{"id":"a-1","status":"in_progress"}""");
        for (var i = 0; i < 6; i++)
        {
            _server.Break("GET /texts/a-1");
        }

        _server.On("GET /texts/a-1", "starting", StatusCodes.Status503ServiceUnavailable).On("GET /texts/a-1", """{"id":"a-1","status":"completed","result":{"Number":7},"timestamp":"2026-11-30T12:00:00Z"}""");

        Assert.Equal(new Item(7), await _texts.ResultAsync("a-1", TestJson.Default.Item));
        Assert.Equal("GET /texts/a-1?wait=30s", _server.Requests.Last().Line);
    }

    [Fact]
    public async Task Result_Failed_SaysWhy()
    {
        _server.On("GET /texts/a-1", """{"id":"a-1","status":"failed","error":{"reason":"bad_status","message":"status 500"},"attempts":[{"started":"2026-11-30T12:00:00Z","worker":"w","reason":"bad_status","message":"status 500","status_code":500,"answer":"words\n"}]}""");

        var error = await Assert.ThrowsAsync<CortexException>(() => _texts.ResultAsync("a-1", TestJson.Default.Item));

        Assert.Equal((ClientErrorKinds.RequestFailed, "a-1 is failed: status 500\n  it answered: words"), (error.Kind, error.Message));
        var attempt = Assert.Single((await _texts.GetAsync("a-1")).Attempts);
        Assert.Equal((500, "w", "bad_status"), (attempt.StatusCode, attempt.Worker, attempt.Reason));
    }

    [Fact]
    public async Task Wait_TimeIsUp_SaysHowFarItIs()
    {
        var time = new JumpingTime();
        using var client = _server.Connect(time: time);
        _server.On("GET /texts/a-1", async context =>
        {
            // As a cluster that waits.
            await Task.Delay(TimeSpan.FromSeconds(1), time, context.RequestAborted);
            await context.Response.WriteAsync("""{"id":"a-1","status":"in_queue"}""");
        });

        var error = await Assert.ThrowsAsync<CortexException>(() => client.Requests("texts").WaitAsync("a-1", TimeSpan.FromSeconds(3)));

        Assert.Equal((ClientErrorKinds.TimedOut, "a-1 of texts is in_queue after 3 s"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task Wait_AnsweredAtOnce_DoesNotAskWithoutAPause()
    {
        var time = new JumpingTime();
        using var client = _server.Connect(time: time);
        var asked = 0;
        _server.On("GET /texts/a-1", async context =>
        {
            asked++;
            await context.Response.WriteAsync("""{"id":"a-1","status":"in_queue"}""");
        });

        await Assert.ThrowsAsync<CortexException>(() => client.Requests("texts").WaitAsync("a-1", TimeSpan.FromSeconds(5)));

        Assert.InRange(asked, 5, 12);
    }

    [Fact]
    public async Task Get_BrokenAnswer_IsAnErrorOfOurs()
    {
        _server.On("GET /texts/a-1", """{"id":"a-1","status""");

        Assert.Equal(ClientErrorKinds.BrokenAnswer, (await Assert.ThrowsAsync<CortexException>(() => _texts.GetAsync("a-1"))).Kind);
    }

    [Fact]
    public async Task Answer_IsGivenByteForByte()
    {
        _server.On("GET /texts/a-1/answer", context => context.Response.Body.WriteAsync(new byte[] { 1, 0, 255 }).AsTask());

        using var answer = await _texts.AnswerAsync("a-1");

        Assert.Equal([1, 0, 255], await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task CancelAndRetry_GiveTheStatus()
    {
        _server.On("DELETE /texts/a-1", """{"id":"a-1","status":"cancelled"}""").On("POST /texts/a-1/retry", """{"id":"a-1","status":"in_queue"}""").On("DELETE /texts/b-1", "error: id b-1 not found\n", 404);

        Assert.Equal("cancelled", (await _texts.CancelAsync("a-1")).Status);
        Assert.Equal("in_queue", (await _texts.RetryAsync("a-1")).Status);
        Assert.StartsWith("id b-1 not found", (await Assert.ThrowsAsync<CortexException>(() => _texts.CancelAsync("b-1"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_SeveralPages_AreFetchedAsTheyAreAskedFor()
    {
        _server.On("GET /async/texts", """{"requests":[{"id":"a","status":"failed","priority":3,"created":"2026-11-30T12:00:00Z"},{"id":"b","status":"failed"}],"cursor":"c 1"}""").On("GET /async/texts", """{"requests":[{"id":"c","status":"failed"}]}""");

        var list = _texts.ListAsync("failed").GetAsyncEnumerator();
        Assert.True(await list.MoveNextAsync());
        Assert.Equal(("a", 3), (list.Current.Id, list.Current.Priority));
        Assert.Single(_server.Requests, request => request.Line.StartsWith("GET /async", StringComparison.Ordinal));
        Assert.True(await list.MoveNextAsync() && await list.MoveNextAsync());
        Assert.Equal(("c", "GET /async/texts?limit=1000&status=failed&cursor=c%201"), (list.Current.Id, _server.Requests.Last().Line));
        Assert.False(await list.MoveNextAsync());
        await list.DisposeAsync();
    }

    [Fact]
    public async Task SubmitMany_GivesThemInOrderAndNeverMoreAtATimeThanAllowed()
    {
        var (now, most) = (0, 0);
        var gate = new SemaphoreSlim(0);
        _server.On("POST /texts", async context =>
        {
            var current = Interlocked.Increment(ref now);
            InterlockedMax(ref most, current);

            // The first ones end only once all four are there.
            if (current == 4)
            {
                gate.Release(1000);
            }

            await gate.WaitAsync(context.RequestAborted);
            Interlocked.Decrement(ref now);
            await context.Response.WriteAsync($"{{\"id\":\"{context.Request.Headers["Idempotency-Key"]}\"}}");
        });

        var ids = new List<string>();
        await foreach (var submitted in _texts.SubmitManyAsync(Enumerable.Range(0, 50).Select(number => new Item(number)), TestJson.Default.Item, item => new SubmitOptions { IdempotencyKey = $"k{item.Number}" }, concurrency: 4))
        {
            ids.Add(submitted.Id);
        }

        Assert.Equal(Enumerable.Range(0, 50).Select(number => $"k{number}"), ids);
        Assert.Equal(4, most);
    }

    [Fact]
    public async Task SubmitMany_SlowSource_GivesEachAsSoonAsItIsAccepted()
    {
        _server.On("POST /texts", """{"id":"a"}""");
        var more = new TaskCompletionSource();

        await foreach (var submitted in _texts.SubmitManyAsync(Slow(more.Task), TestJson.Default.Item))
        {
            // The source goes on only after the first has been given.
            more.TrySetResult();
            Assert.Equal("a", submitted.Id);
        }

        Assert.Equal(2, _server.Requests.Count(request => request.Line == "POST /texts"));
    }

    [Fact]
    public async Task SubmitMany_LeftEarly_EndsTheSource()
    {
        _server.On("POST /texts", """{"id":"a"}""");
        var ended = new TaskCompletionSource();

        await foreach (var _ in _texts.SubmitManyAsync(Endless(ended), TestJson.Default.Item, concurrency: 2))
        {
            break;
        }

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task SubmitMany_OneIsRefused_EndsWithItsError()
    {
        _server.On("POST /texts", """{"id":"a"}""").On("POST /texts", "error: too large", 413);

        await Assert.ThrowsAsync<CortexException>(async () =>
        {
            await foreach (var submitted in _texts.SubmitManyAsync(Enumerable.Range(0, 1000).Select(number => new Item(number)), TestJson.Default.Item, concurrency: 2))
            {
                Assert.Equal("a", submitted.Id);
            }
        });

        Assert.InRange(_server.Requests.Count(request => request.Line == "POST /texts"), 2, 5);
    }

    private string Api(string kind) => $$$"""[{"metadata":{"name":"texts","kind":"{{{kind}}}","id":"i","last_updated":5},"endpoint":"{{{_server.Endpoint}}}/texts"}]""";

    private static async IAsyncEnumerable<Item> Slow(Task more)
    {
        yield return new Item(1);
        await more;
        yield return new Item(2);
    }

    private static async IAsyncEnumerable<Item> Endless(TaskCompletionSource ended, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        try
        {
            for (var number = 0; ; number++)
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                yield return new Item(number);
            }
        }
        finally
        {
            ended.SetResult();
        }
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); seen < value; seen = Volatile.Read(ref target))
        {
            Interlocked.CompareExchange(ref target, value, seen);
        }
    }
}
