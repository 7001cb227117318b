using System.Text;
using Cortex.Client.Tests.Support;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Microsoft.AspNetCore.Http;

namespace Cortex.Client.Tests;

/// <summary>What the client asks of an operator, and what it makes of the answers, over real HTTP.</summary>
public sealed class CortexClientTests : IAsyncLifetime
{
    private const string Hello = """{"metadata":{"name":"hello","kind":"RealtimeAPI","id":"hello-id","last_updated":5},"status":{"ready":1,"requested":2,"up_to_date":1},"endpoint":"http://127.0.0.1:1/hello"}""";

    private ClusterServer _server = null!;
    private CortexClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ClusterServer.StartAsync();
        _client = _server.Connect();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Deploy_Text_IsSentAsAFileWithTokenAndVersion()
    {
        _server.On("POST /deploy", """[{"api":{"endpoint":"http://x/hello"},"message":"creating hello (RealtimeAPI)","error":""}]""");

        var results = await _client.DeployAsync("- name: hello\n", force: true);

        var request = Assert.Single(_server.Requests);
        Assert.Equal(("POST /deploy?configFileName=cortex.yaml&force=true", "Bearer secret", ProductVersion.Current), (request.Line, request.Headers["Authorization"], request.Headers["CortexAPIVersion"]));
        Assert.Contains("name=config; filename=cortex.yaml", request.Body, StringComparison.Ordinal);
        Assert.Contains("- name: hello\n", request.Body, StringComparison.Ordinal);
        Assert.Equal(("creating hello (RealtimeAPI)", "http://x/hello"), (results[0].Message, results[0].Api?.Endpoint));
        Assert.Same(results, results.EnsureDeployed());
    }

    [Fact]
    public async Task Deploy_StreamOrFile_SendsTheSame()
    {
        _server.On("POST /deploy", "[]");
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, "- name: a\n");
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes("- name: a\n"));

        await _client.DeployAsync(stream, Path.GetFileName(path));
        await _client.DeployFileAsync(path);

        File.Delete(path);
        Assert.Equal([$"POST /deploy?configFileName={Path.GetFileName(path)}&force=false"], _server.Requests.Select(request => request.Line).Distinct());
        Assert.All(_server.Requests, request => Assert.Contains("- name: a\n", request.Body, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Deploy_SomeRefused_IsAnErrorForWhoAsks()
    {
        _server.On("POST /deploy", """[{"api":null,"message":"","error":"b is wrong"},{"api":{},"message":"creating a (RealtimeAPI)","error":""}]""");

        var results = await _client.DeployAsync("x");

        var error = Assert.Throws<CortexException>(() => results.EnsureDeployed());
        Assert.Equal((ClientErrorKinds.DeployFailed, "b is wrong"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task Deploy_Refused_HasEveryMistakeWithItsPlace()
    {
        _server.On("POST /deploy", """{"kind":"spec.x","message":"one","errors":[{"kind":"spec.x","line":3,"column":7,"api":"a","path":"pod","message":"one\n"},{"kind":"spec.y","line":4,"column":1,"api":"a","path":"pod","message":"two"}]}""", 400);

        var error = await Assert.ThrowsAsync<CortexException>(() => _client.DeployAsync("x"));

        Assert.Equal(("spec.x", "one\nerror: two"), (error.Kind, error.Message));
        Assert.Equal([(3, "spec.x"), (4, "spec.y")], error.Places.Select(place => (place.Line, place.Kind)));
    }

    [Fact]
    public async Task Calls_AskTheirRoutes()
    {
        _server.On("GET /get", $"[{Hello}]").On("GET /get/a%20b", $"[{Hello}]").On("GET /describe/hello", $"[{Hello}]")
            .On("POST /refresh/hello", """{"message":"updating"}""").On("DELETE /delete/hello", """{"message":"deleting"}""").On("POST /rollback/hello", "[]");

        Assert.Equal("hello", Assert.Single(await _client.GetAsync()).Metadata?.Name);
        Assert.Equal(ApiKind.RealtimeAPI, (await _client.GetAsync("a b", showEnv: true)).Metadata?.Kind);
        Assert.Equal(2, (await _client.DescribeAsync("hello")).Status?.Requested);
        Assert.Equal("updating", (await _client.RefreshAsync("hello")).Message);
        Assert.Equal("deleting", (await _client.DeleteAsync("hello", keepCache: true)).Message);
        await _client.RollbackAsync("hello", "older");
        Assert.Equal(
            ["GET /get", "GET /get/a%20b?showEnv=true", "GET /describe/hello", "POST /refresh/hello?force=false", "DELETE /delete/hello?apiName=hello&keepCache=true", "POST /rollback/hello?apiID=older&force=false"],
            _server.Requests.Select(request => request.Line));
    }

    [Fact]
    public async Task Error_OfTheOperator_HasItsKindAndWords()
    {
        _server.On("GET /get/nope", """{"kind":"resources.api_not_deployed","message":"nope is not deployed"}""", 400);

        var error = await Assert.ThrowsAsync<CortexException>(() => _client.GetAsync("nope"));

        Assert.Equal(("resources.api_not_deployed", "nope is not deployed"), (error.Kind, error.Message));
    }

    [Theory]
    [InlineData(403, """{"kind":"auth","message":"no"}""", "auth", "the here environment has no valid token: no")]
    [InlineData(404, "<html>", ClientErrorKinds.NoOperator, "is that address a Cortex operator's?")]
    [InlineData(200, "<html>", ClientErrorKinds.UnknownAnswer, "compare `cortex version`")]
    [InlineData(200, "[]", ClientErrorKinds.UnknownAnswer, "answered with an empty list")]
    public async Task Error_OfAnotherKind_IsToldApart(int status, string body, string kind, string words)
    {
        _server.On("GET /get/x", body, status);

        var error = await Assert.ThrowsAsync<CortexException>(() => _client.GetAsync("x"));

        Assert.Equal(kind, error.Kind);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_ConnectionBreaksAndServerIsBusy_IsAskedAgain()
    {
        _server.Break("GET /info").On("GET /info", "busy", StatusCodes.Status503ServiceUnavailable).On("GET /info", "{\"kind\":\"x\",\"message\":\"the third\"}", 400);

        Assert.Equal("the third", (await Assert.ThrowsAsync<CortexException>(() => _client.InfoAsync())).Message);
        Assert.Equal(3, _server.Requests.Count);
    }

    [Fact]
    public async Task Change_ConnectionBreaks_IsNotRepeated()
    {
        _server.Break("POST /refresh/hello");

        Assert.Equal(ClientErrorKinds.OperatorUnreachable, (await Assert.ThrowsAsync<CortexException>(() => _client.RefreshAsync("hello"))).Kind);
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task Change_NobodyListens_IsTriedFourTimes()
    {
        var time = new JumpingTime();
        using var client = new CortexClient(new CortexEnvironment { Name = "away", OperatorEndpoint = "127.0.0.1:1" }, new ClientOptions { TimeProvider = time });

        var error = await Assert.ThrowsAsync<CortexException>(() => client.RefreshAsync("hello"));

        Assert.Equal(ClientErrorKinds.OperatorUnreachable, error.Kind);
        Assert.StartsWith("failed to connect to the operator of the away environment at http://127.0.0.1:1: Connection refused", error.Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(1.5), time.Elapsed);
    }

    [Fact]
    public async Task NoRetries_ConnectionBreaks_FailsAtOnce()
    {
        _server.Break("GET /get");
        using var client = _server.Connect(retries: false);

        await Assert.ThrowsAsync<CortexException>(() => client.GetAsync());
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task Timeout_NoAnswer_SaysHowLong()
    {
        _server.On("POST /refresh/hello", context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var client = new CortexClient(
            new CortexEnvironment { Name = "here", OperatorEndpoint = _server.Endpoint }, new ClientOptions { AnswerTimeout = TimeSpan.FromSeconds(3), TimeProvider = new JumpingTime() });

        Assert.Contains("no answer within 3 s", (await Assert.ThrowsAsync<CortexException>(() => client.RefreshAsync("hello"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_IsTold()
    {
        using var cancellation = new CancellationTokenSource();
        _server.On("POST /refresh/hello", async context =>
        {
            await cancellation.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _client.RefreshAsync("hello", cancellationToken: cancellation.Token));
    }

    [Fact]
    public async Task WaitUntilReady_ReplicasCome_GivesTheApi()
    {
        _server.On("GET /describe/hello", Described("""{"requested":1,"creating":1}""")).Break("GET /describe/hello").On("GET /describe/hello", Described("""{"requested":1,"ready":1}""")).On("GET /get/hello", $"[{Hello}]");

        Assert.Equal("http://127.0.0.1:1/hello", (await _client.WaitUntilReadyAsync("hello")).Endpoint);
    }

    [Fact]
    public async Task WaitUntilReady_ReplicasFail_HasTheReasons()
    {
        _server.On("GET /describe/hello", Described("""{"requested":1,"failed":1}""", "api: exit code 3"));

        var error = await Assert.ThrowsAsync<CortexException>(() => _client.WaitUntilReadyAsync("hello"));

        Assert.Equal((ClientErrorKinds.ApiFailed, "hello can't become ready (0/1 ready, 1 failed)\n  api: exit code 3"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task WaitUntilReady_TimeIsUp_SaysHowFarItIs()
    {
        _server.On("GET /describe/hello", Described("""{"requested":2,"pending":2}"""));

        var error = await Assert.ThrowsAsync<CortexException>(() => _client.WaitUntilReadyAsync("hello", TimeSpan.FromSeconds(5)));

        Assert.Equal((ClientErrorKinds.TimedOut, "hello is not ready after 5 s (0/2 ready, 2 pending)"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task Call_RealtimeApi_GivesItsAnswerWhateverItsStatus()
    {
        _server.On("GET /get/hello", $"[{Hello.Replace("http://127.0.0.1:1", _server.Endpoint, StringComparison.Ordinal)}]").On("POST /hello/predict", "no", 418);
        using var content = new StringContent("words");

        using var answer = await _client.CallAsync("hello", HttpMethod.Post, "/predict?a=1", content);

        Assert.Equal((418, "no"), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        var call = _server.Requests.Last();
        Assert.Equal(("POST /hello/predict?a=1", "words", false), (call.Line, call.Body, call.Headers.ContainsKey("Authorization")));
    }

    private static string Described(string counts, string? reason = null) => $$$"""
        [{"metadata":{"name":"hello","kind":"RealtimeAPI","id":"i","last_updated":5},
          "status":{"ready":0,"requested":1,"up_to_date":0,"replica_counts":{{{counts}}},"reasons":[{{{(reason is null ? "" : $"\"{reason}\"")}}}]}}]
        """;
}
