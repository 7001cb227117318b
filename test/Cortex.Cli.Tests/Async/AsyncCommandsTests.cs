using System.Net;
using System.Net.Sockets;
using System.Text;
using Cortex.Cli.Tests.Support;
using Cortex.Core.Specs;

namespace Cortex.Cli.Tests.Async;

public sealed class AsyncCommandsTests : IDisposable
{
    private const string Id = FakeAsyncApi.Id;
    private const string Submitted = $$"""{"id":"{{Id}}"}""" + "\n";
    private const string Waiting = $$"""{"id":"{{Id}}","status":"in_queue"}""" + "\n";
    private const string Completed = $$"""{"id":"{{Id}}","status":"completed","result":{"label":"cat","scores":[0.9,1]},"timestamp":"2026-03-04T15:04:05Z"}""" + "\n";

    private readonly CliFixture _cli = new();
    private readonly FakeAsyncApi _api = new();

    public AsyncCommandsTests()
    {
        _cli.Configure("prod");
        _cli.Transport = _ => _api;

        // On a clock that jumps every upload would take longer than a second.
        _cli.Time = TimeProvider.System;
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Submit_File_PrintsTheId()
    {
        _api.Then(Submitted);
        _cli.Write("photo.jpg", "not really a photo");

        var result = await _cli.RunAsync("async", "submit", "texts", "photo.jpg");

        Assert.Equal(new CliResult(0, Id + "\n", ""), result);
        var call = Assert.Single(_api.Calls);
        Assert.Equal(("POST /texts", "not really a photo", "image/jpeg"), (call.Line, call.Body, call.Headers["Content-Type"]));
        Assert.Equal(["Content-Length", "Content-Type"], call.Headers.Keys.Order());
    }

    [Fact]
    public async Task Submit_EveryFlag_IsSent()
    {
        _api.Then(Submitted, headers: ("X-Cortex-Idempotent-Replay", "true"));

        var result = await _cli.RunAsync(
            "async", "submit", "texts", "--data", "{\"a\": 1}", "-H", "X-One: 1", "-H", "X-Two:2", "--idempotency-key", "k 1", "--priority", "9", "--delay", "10m", "--callback-url", "https://example.com/x", "-o", "json");

        Assert.Equal((0, Submitted.TrimEnd(), $"submitted before with this idempotency key, as {Id}\n"), (result.ExitCode, result.Out, result.Error));
        var headers = Assert.Single(_api.Calls).Headers;
        Assert.Equal(
            ("1", "2", "k 1", "9", "600s", "https://example.com/x", "application/json"),
            (headers["X-One"], headers["X-Two"], headers["Idempotency-Key"], headers["X-Cortex-Priority"], headers["X-Cortex-Delay"], headers["X-Cortex-Callback-URL"], headers["Content-Type"]));
    }

    [Theory]
    [InlineData("words", "text/plain; charset=utf-8")]
    [InlineData("  [1]", "application/json")]
    [InlineData("", "text/plain; charset=utf-8")]
    public async Task Submit_Text_HasTheTypeThatItLooksLike(string data, string type)
    {
        _api.Then(Submitted);

        Assert.Equal(0, (await _cli.RunAsync("async", "submit", "texts", "--data", data)).ExitCode);

        Assert.Equal((data, type), (_api.Calls[0].Body, _api.Calls[0].Headers["Content-Type"]));
    }

    [Fact]
    public async Task Submit_StandardInput_IsStreamedWithoutALength()
    {
        _api.Then(Submitted);
        _cli.Input = "from a pipe";

        await _cli.RunAsync("async", "submit", "texts", "-", "-H", "content-type: text/csv");

        Assert.Equal(("from a pipe", "text/csv"), (_api.Calls[0].Body, _api.Calls[0].Headers["Content-Type"]));
        Assert.False(_api.Calls[0].Headers.ContainsKey("Content-Length"));
    }

    [Theory]
    [InlineData("what is to be submitted?", "async", "submit", "texts")]
    [InlineData("leave one out", "async", "submit", "texts", "file", "--data", "x")]
    [InlineData("there is no file", "async", "submit", "texts", "missing.json")]
    [InlineData("is a directory", "async", "submit", "texts", ".")]
    [InlineData("is not a header", "async", "submit", "texts", "--data", "x", "-H", "no colon")]
    [InlineData("belongs to the connection", "async", "submit", "texts", "--data", "x", "-H", "Host: a")]
    [InlineData("which requests?", "async", "retry", "texts")]
    [InlineData("not both", "async", "retry", "texts", "a", "--all-failed")]
    [InlineData("can't be combined", "async", "list", "texts", "--all", "--limit", "3")]
    public async Task Command_CannotBeMeant_SaysWhatToDo(string message, params string[] args)
    {
        var result = await _cli.RunAsync(args);

        Assert.Equal((1, ""), (result.ExitCode, result.Out));
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Empty(_api.Calls);
    }

    [Theory]
    [InlineData("--priority is 0 to 9", "async", "submit", "texts", "--data", "x", "--priority", "10")]
    [InlineData("--delay is a duration", "async", "submit", "texts", "--data", "x", "--delay", "soon")]
    [InlineData("--wait is a duration", "async", "get", "texts", "id", "--wait=soon")]
    [InlineData("--output is pretty or json", "async", "get", "texts", "id", "-o", "yaml")]
    [InlineData("--limit is 1 to 1000", "async", "list", "texts", "--limit", "1001")]
    [InlineData("in_queue", "async", "list", "texts", "--status", "done")]
    [InlineData("unknown flag: --al", "async", "cancel", "texts", "--al")]
    public async Task Command_IsWrong_ExitsWithTwo(string message, params string[] args)
    {
        var result = await _cli.RunAsync(args);

        Assert.Equal((2, ""), (result.ExitCode, result.Out));
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnyCommand_OtherKind_SaysSo()
    {
        _api.Kind = ApiKind.RealtimeAPI;

        var result = await _cli.RunAsync("async", "submit", "texts", "--data", "x");

        Assert.Equal((1, "error: texts is a RealtimeAPI; only AsyncAPIs have requests, and this one answers at once at http://127.0.0.1:8889/texts\n"), (result.ExitCode, result.Error));
    }

    [Theory]
    [InlineData(HttpStatusCode.RequestEntityTooLarge, "error: payload over 1Ki\n", "payload over 1Ki\n\nraise `queue: {max_payload: ...}`")]
    [InlineData(HttpStatusCode.InsufficientStorage, "error: the disk is full\n", "the disk is full\n\nfree space")]
    [InlineData(HttpStatusCode.ServiceUnavailable, "error: busy\n", "busy\n\ntry again shortly")]
    [InlineData(HttpStatusCode.BadRequest, "error: X-Cortex-Delay is 1h at most\n", "X-Cortex-Delay is 1h at most")]
    [InlineData(HttpStatusCode.NotFound, "", "texts answered with status 404")]
    public async Task Submit_Refused_SaysWhatToDo(HttpStatusCode status, string body, string message)
    {
        _api.Then(body, status);

        var result = await _cli.RunAsync("async", "submit", "texts", "--data", "x");

        Assert.Equal((1, ""), (result.ExitCode, result.Out));
        Assert.StartsWith($"error: {message}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_ConnectionRefused_NamesTheAddress()
    {
        _api.Then(() => throw new HttpRequestException(HttpRequestError.ConnectionError, "refused", new SocketException((int)SocketError.ConnectionRefused)));

        var result = await _cli.RunAsync("async", "submit", "texts", "--data", "x");

        Assert.Equal("error: failed to connect to texts at http://127.0.0.1:8889/texts: Connection refused\n\n`cortex cluster health` says whether its cluster runs\n", result.Error);
    }

    [Fact]
    public async Task Submit_ConnectionLost_SaysThatItMayBeThere()
    {
        _api.Then(() => throw new HttpRequestException(HttpRequestError.ResponseEnded, "ended early"));

        var result = await _cli.RunAsync("async", "submit", "texts", "--data", "x");

        Assert.Contains("whether the request was accepted is not known", result.Error, StringComparison.Ordinal);
        Assert.Contains("--idempotency-key", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--wait")]
    [InlineData("-w")]
    [InlineData("--wait=5m")]
    public async Task Submit_Wait_PrintsTheResultAlone(string wait)
    {
        _api.Then(Submitted).Then(Waiting).Then(Completed);

        var result = await _cli.RunAsync("async", "submit", wait, "texts", "--data", "x");

        Assert.Equal((0, "{\"label\":\"cat\",\"scores\":[0.9,1]}\n"), (result.ExitCode, result.Out));
        Assert.StartsWith($"submitted {Id}\n", result.Error, StringComparison.Ordinal);
        Assert.Equal(["POST /texts", $"GET /texts/{Id}?wait=30s", $"GET /texts/{Id}?wait=30s"], _api.Calls.Select(call => call.Line));
    }

    [Fact]
    public async Task Get_OnATerminal_LaysTheResultOut()
    {
        _cli.OutputIsTerminal = true;
        _api.Then(Completed);

        Assert.Equal(new CliResult(0, "{\n  \"label\": \"cat\",\n  \"scores\": [\n    0.9,\n    1\n  ]\n}\n", ""), await _cli.RunAsync("async", "get", "texts", Id));
        Assert.Equal($"GET /texts/{Id}", Assert.Single(_api.Calls).Line);
    }

    [Fact]
    public async Task Get_Json_IsTheWholeAnswerAsItCame()
    {
        _api.Then(Completed).Then(Waiting);

        Assert.Equal(new CliResult(0, Completed.TrimEnd(), ""), await _cli.RunAsync("async", "get", "texts", Id, "-o", "json"));
        Assert.Equal(new CliResult(3, Waiting.TrimEnd(), ""), await _cli.RunAsync("async", "get", "texts", Id, "-o", "json"));
    }

    [Fact]
    public async Task Get_NotDone_ExitsWithThreeAndPrintsNoResult()
    {
        _api.Then($$"""{"id":"{{Id}}","status":"in_queue","attempts":[{"started":"t1","ended":"t2","worker":"texts-a","reason":"bad_status","message":"the container answered with status 500","status_code":500,"answer":"oh\nno\u001b[31m"}],"not_before":"2026-03-04T15:05:00Z"}""");

        var result = await _cli.RunAsync("async", "get", "texts", Id);

        Assert.Equal((3, ""), (result.ExitCode, result.Out));
        Assert.Equal($"error: {Id} is in the queue, not before 2026-03-04T15:05:00Z\n  t1 on texts-a: the container answered with status 500 (bad_status); it answered: oh no [31m\n", result.Error);
    }

    [Theory]
    [InlineData("""{"id":"x","status":"failed","timestamp":"t","error":{"reason":"timeout","message":"no answer within 1h"},"attempts":[{"started":"t1","worker":"w","reason":"timeout","message":"no answer within 1h"}]}""", "x failed: no answer within 1h (timeout)")]
    [InlineData("""{"id":"x","status":"failed","error":{"reason":"b"},"attempts":[{"started":"t1","worker":"w","reason":"a"},{"started":"t2","worker":"w","reason":"b"}]}""", "x failed: b\n  t1 on w: a\n  t2 on w: b")]
    [InlineData("""{"id":"x","status":"cancelled","timestamp":"t"}""", "x was cancelled")]
    public async Task Get_FailedOrCancelled_ExitsWithOne(string answer, string message)
    {
        _api.Then(answer);

        Assert.Equal(new CliResult(1, "", $"error: {message}\n"), await _cli.RunAsync("async", "get", "texts", "x", "--wait"));
    }

    [Fact]
    public async Task Get_WaitEnds_ExitsWithThree()
    {
        _api.Then(Waiting).Then(Waiting);

        var result = await _cli.RunAsync("async", "get", "texts", Id, "--wait", "0s");

        Assert.Equal(3, result.ExitCode);
        Assert.Single(_api.Calls);
    }

    [Fact]
    public async Task Get_Unknown_SaysWhereToLook()
    {
        _api.Then("error: id x not found\n", HttpStatusCode.NotFound);

        var result = await _cli.RunAsync("async", "get", "texts", "x", "--wait");

        Assert.Equal((1, "error: id x not found\n\nthe id may be wrong or its result may have expired; `cortex async list texts` shows what is there\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Get_ServerRestartsMeanwhile_GoesOn()
    {
        _cli.Time = new JumpingTime();
        _api.Then(Waiting)
            .Then(() => throw new HttpRequestException(HttpRequestError.ConnectionError, "refused", new SocketException((int)SocketError.ConnectionRefused)))
            .Then("error: its queue is being set up\n", HttpStatusCode.ServiceUnavailable)
            .Then(Completed);

        var result = await _cli.RunAsync("async", "get", "texts", Id, "--wait");

        Assert.Equal((0, 4), (result.ExitCode, _api.Calls.Count));
    }

    [Fact]
    public async Task Get_ServerIsGoneForGood_GivesUp()
    {
        _cli.Time = new JumpingTime();
        for (var i = 0; i < 200; i++)
        {
            _api.Then(() => throw new HttpRequestException(HttpRequestError.ConnectionError, "refused", new SocketException((int)SocketError.ConnectionRefused)));
        }

        var result = await _cli.RunAsync("async", "get", "texts", Id, "--wait");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("failed to connect to texts", result.Error, StringComparison.Ordinal);
        Assert.InRange(((JumpingTime)_cli.Time).Elapsed, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(70));
    }

    [Fact]
    public async Task Get_BrokenOff_Fails()
    {
        _api.Then(Completed[..60]);

        var result = await _cli.RunAsync("async", "get", "texts", Id);

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: the answer broke off or is not Cortex's", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_Interrupted_SaysHowToGoOn()
    {
        using var interrupt = new CancellationTokenSource();
        _api.Then(() =>
        {
            interrupt.Cancel();
            throw new OperationCanceledException(interrupt.Token);
        });

        var result = await _cli.RunAsync(interrupt.Token, "async", "get", "texts", Id, "--wait");

        Assert.Equal((130, $"the request goes on; `cortex async get texts {Id} --wait` waits again, `cortex async cancel texts {Id}` ends it\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task List_ShowsTheTokenToTheOperator()
    {
        _api.Then("""{"requests":[]}""");

        await _cli.RunAsync("async", "list", "texts");

        Assert.StartsWith("Bearer ", Assert.Single(_api.Calls).Headers["Authorization"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Result_Raw_PrintsWhatTheContainerAnswered()
    {
        _api.Then("{'not': json}");

        Assert.Equal(new CliResult(0, "{'not': json}", ""), await _cli.RunAsync("async", "result", "texts", Id, "--raw"));
        Assert.Equal($"GET /texts/{Id}/answer", Assert.Single(_api.Calls).Line);
    }

    [Fact]
    public async Task Result_RawOfNothing_SaysWhy()
    {
        _api.Then($"error: no answer to id {Id} is kept: it is in_queue\n", HttpStatusCode.NotFound);

        var result = await _cli.RunAsync("async", "result", "texts", Id, "--raw");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("it is in_queue", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Result_Completed_PrintsTheResult()
    {
        _api.Then(Completed);

        Assert.Contains("cat", (await _cli.RunAsync("async", "result", "texts", Id)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_Page_IsATable()
    {
        _cli.Time = new JumpingTime();
        _api.Then("""{"requests":[{"id":"a","status":"completed","priority":0,"created":"2026-03-04T15:03:05Z","timestamp":"2026-03-04T15:04:00Z"},{"id":"b","status":"in_queue","priority":9,"created":"2026-03-04T15:04:00Z"}],"cursor":"77"}""");

        var result = await _cli.RunAsync("async", "list", "texts", "--status", "failed", "--limit", "2");

        Assert.Equal(("""
            id   status      priority   submitted   done
            a    completed   0          1m0s ago    5s ago
            b    in_queue    9          5s ago      -

            """, "there are more: add --cursor 77, or --all\n"), (result.Out, result.Error));
        Assert.Equal("GET /async/texts?limit=2&status=failed", _api.Calls[0].Line);
    }

    [Fact]
    public async Task List_All_FollowsTheCursor()
    {
        _api.Then("""{"requests":[{"id":"a"}],"cursor":"2"}""").Then("""{"requests":[{"id":"b"}]}""");

        var result = await _cli.RunAsync("async", "list", "texts", "--all", "-o", "json");

        Assert.Equal("""{"requests":[{"id":"a"},{"id":"b"}]}""", result.Out);
        Assert.Equal(["GET /async/texts?limit=1000", "GET /async/texts?limit=1000&cursor=2"], _api.Calls.Select(call => call.Line));
    }

    [Fact]
    public async Task List_Nothing_SaysSo()
    {
        _api.Then("""{"requests":[]}""").Then("""{"requests":[]}""");

        Assert.Equal("texts has no requests that are failed\n", (await _cli.RunAsync("async", "list", "texts", "-s", "failed")).Out);
        Assert.Equal("""{"requests":[]}""", (await _cli.RunAsync("async", "list", "texts", "-o", "json")).Out);
    }

    [Fact]
    public async Task Cancel_Several_OneRefusedDoesNotStopTheOthers()
    {
        _api.Then("""{"id":"a","status":"cancelled"}""").Then("error: b is completed\n", HttpStatusCode.Conflict).Then("""{"id":"c","status":"cancelled"}""");

        var result = await _cli.RunAsync("async", "cancel", "texts", "a", "b", "c");

        Assert.Equal(new CliResult(1, "a: cancelled\nc: cancelled\n", "error: b is completed\n"), result);
        Assert.Equal(["DELETE /texts/a", "DELETE /texts/b", "DELETE /texts/c"], _api.Calls.Select(call => call.Line));
    }

    [Fact]
    public async Task Cancel_Json_HasAnEntryPerRequest()
    {
        _api.Then("""{"id":"a","status":"cancelled"}""").Then("error: b is \"completed\"\n", HttpStatusCode.Conflict);

        Assert.Equal("""[{"id":"a","status":"cancelled"},{"id":"b","error":"b is \"completed\""}]""", (await _cli.RunAsync("async", "cancel", "texts", "a", "b", "-o", "json")).Out);
    }

    [Fact]
    public async Task Retry_AllFailed_PutsEachBack()
    {
        _api.Then("""{"requests":[{"id":"a"},{"id":"b"}],"cursor":"2"}""")
            .Then("""{"id":"a","status":"in_queue"}""").Then("""{"id":"b","status":"in_queue"}""")
            .Then("""{"requests":[]}""");

        var result = await _cli.RunAsync("async", "retry", "texts", "--all-failed");

        Assert.Equal((0, "a: in_queue\nb: in_queue\n"), (result.ExitCode, result.Out));
        Assert.Equal(["GET /async/texts?limit=1000&status=failed", "POST /texts/a/retry", "POST /texts/b/retry", "GET /async/texts?limit=1000&status=failed&cursor=2"], _api.Calls.Select(call => call.Line));
    }

    [Fact]
    public async Task Retry_NoneFailed_SaysSo()
    {
        _api.Then("""{"requests":[]}""");

        Assert.Equal(new CliResult(0, "there are none\n", ""), await _cli.RunAsync("async", "retry", "texts", "--all-failed"));
    }

    [Theory]
    [InlineData("submit")]
    [InlineData("get")]
    [InlineData("list")]
    [InlineData("cancel")]
    [InlineData("retry")]
    public async Task Help_EndsWithExamples(string command)
    {
        var help = (await _cli.RunAsync("async", command, "--help")).Out;

        Assert.Contains($"\nExamples:\n  ", help, StringComparison.Ordinal);
        Assert.Contains($"cortex async {command} ", help[help.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }
}
