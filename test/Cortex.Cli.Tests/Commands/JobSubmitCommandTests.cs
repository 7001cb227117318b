using System.Net;
using System.Text.Json;
using Cortex.Cli.Tests.Support;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Commands;

public sealed class JobSubmitCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public JobSubmitCommandTests()
    {
        _cli.Configure("prod");
        _cli.Operator.On("GET /get/train", HttpStatusCode.OK, JsonSerializer.Serialize<IReadOnlyList<ApiResponse>>([Apis.Detailed("train", ApiKind.TaskAPI)], WireJson.Contract.IReadOnlyListApiResponse));
        _cli.Operator.On("POST /tasks/train", () => """{"job_id":"j1","api_name":"train","kind":"TaskAPI"}""");
    }

    [Fact]
    public async Task Submit_Bare_SendsAnEmptyObject()
    {
        var result = await _cli.RunAsync("job", "submit", "train");

        Assert.Equal((0, "submitted job j1 of train\n"), (result.ExitCode, result.Out));
        Assert.Equal(("POST /tasks/train", "{}"), (_cli.Operator.Requests[^1].Line, _cli.Operator.Requests[^1].Body));
    }

    [Fact]
    public async Task Submit_FileAndFlags_FlagsWin()
    {
        _cli.Write("job.json", """{"timeout": 5, "config": {"rate": 1, "keep": [1]}}""");

        await _cli.RunAsync("job", "submit", "train", "-f", "job.json", "--config", "rate=0.5", "-c", "name=a b", "-c", "on=true", "-c", "text=\"5\"", "--timeout", "1m30s", "--priority", "3");

        Assert.Equal("""{"timeout":90,"config":{"rate":0.5,"keep":[1],"name":"a b","on":true,"text":"5"},"priority":3}""", _cli.Operator.Requests[^1].Body);
    }

    [Fact]
    public async Task Submit_StandardInput_IsRead()
    {
        _cli.Input = """{"config": {"a": 1}}""";

        await _cli.RunAsync("job", "submit", "train", "-f", "-");

        Assert.Equal("""{"config":{"a":1}}""", _cli.Operator.Requests[^1].Body);
    }

    [Fact]
    public async Task Submit_BatchApi_GoesToItsRoute()
    {
        _cli.Operator.On("GET /get/score", HttpStatusCode.OK, JsonSerializer.Serialize<IReadOnlyList<ApiResponse>>([Apis.Detailed("score", ApiKind.BatchAPI)], WireJson.Contract.IReadOnlyListApiResponse));
        _cli.Operator.On("POST /batch/score", () => """{"job_id":"j2"}""");

        Assert.Equal("submitted job j2 of score\n", (await _cli.RunAsync("job", "submit", "score")).Out);
    }

    [Theory]
    [InlineData("succeeded", "", 0)]
    [InlineData("worker_error", ",\"exit_code\":7", 7)]
    [InlineData("worker_error", "", 1)]
    [InlineData("worker_oom", ",\"exit_code\":137", 137)]
    [InlineData("timed_out", "", 124)]
    [InlineData("stopped", "", 143)]
    [InlineData("unexpected_error", "", 1)]
    public async Task Wait_EndsAsTheJobDid(string status, string more, int exitCode)
    {
        var asked = 0;
        _cli.Operator.On("GET /tasks/train", () => ++asked < 3 ? Job("pending") : Job(status, more));

        var result = await _cli.RunAsync("job", "submit", "train", "--wait");

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal("GET /tasks/train?jobID=j1&wait=30s", _cli.Operator.Requests[^1].Line);
        Assert.StartsWith("submitted job j1 of train\njob j1 of train: ", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_Failed_ShowsWhyAndTheLastLines()
    {
        _cli.Operator.On("GET /tasks/train", () => Job("worker_error", ""","exit_code":3,"message":"container main ended with exit code 3","last_log_lines":["one","two"]"""));

        Assert.EndsWith("worker error after 10s: container main ended with exit code 3\nlast log lines\none\ntwo\n", (await _cli.RunAsync("job", "submit", "train", "--wait")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_OperatorAwayForAWhile_GoesOnWaiting()
    {
        var asked = 0;
        _cli.Operator.On("GET /tasks/train", () => ++asked < 10 ? throw new HttpRequestException("Connection refused") : Job("succeeded"));

        Assert.Equal(0, (await _cli.RunAsync("job", "submit", "train", "--wait")).ExitCode);
        Assert.Equal(10, asked);
    }

    [Fact]
    public async Task Wait_OperatorAwayForLong_SaysSo()
    {
        _cli.Operator.On("GET /tasks/train", () => throw new HttpRequestException("Connection refused"));

        var result = await _cli.RunAsync("job", "submit", "train", "--wait");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: failed to connect to the operator", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_WithWait_PrintsTheEndedJobAlone()
    {
        _cli.Operator.On("GET /tasks/train", () => Job("succeeded"));

        using var json = JsonDocument.Parse((await _cli.RunAsync("job", "submit", "train", "--wait", "-o", "json")).Out);

        Assert.Equal("succeeded", json.RootElement.GetProperty("job_status").GetProperty("status").GetString());
    }

    [Fact]
    public async Task Refused_SaysWhy()
    {
        _cli.Operator.OnError("POST /tasks/train", "configreader.invalid_int", "workers: invalid value");

        var result = await _cli.RunAsync("job", "submit", "train");

        Assert.Equal((1, "error: workers: invalid value\n"), (result.ExitCode, result.Error));
    }

    [Theory]
    [InlineData("--config", "novalue")]
    [InlineData("--config", "=x")]
    [InlineData("--timeout", "soon")]
    [InlineData("--timeout", "0s")]
    public async Task WrongFlags_AreUsageMistakes(string flag, string value)
    {
        Assert.Equal(2, (await _cli.RunAsync("job", "submit", "train", flag, value)).ExitCode);
        Assert.Empty(_cli.Operator.Requests);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    public async Task WrongFile_SaysWhat(string content)
    {
        _cli.Write("job.json", content);

        var result = await _cli.RunAsync("job", "submit", "train", "-f", "job.json");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: job.json ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_FailedJob_ShowsReasonCodeAttemptAndLastLines()
    {
        _cli.Operator.On("GET /tasks/train", () => Job("worker_error", ""","exit_code":3,"message":"container main ended with exit code 3","attempt":2,"max_attempts":2,"last_log_lines":["one","two"]"""));

        Assert.StartsWith("""
            job id:    j1
            status:    worker error
            reason:    container main ended with exit code 3
            exit code: 3
            attempt:   2 of 2

            start time: 04 Mar 26 15:00:00 UTC
            end time:   04 Mar 26 15:00:10 UTC
            duration:   10s

            last log lines
            one
            two

            worker stats are not available because this job is not currently running
            """, (await _cli.RunAsync("get", "train", "j1")).Out, StringComparison.Ordinal);
    }

    public void Dispose() => _cli.Dispose();

    private static string Job(string status, string more = "") =>
        $$$"""{"api_spec":null,"job_status":{"job_id":"j1","status":"{{{status}}}","start_time":"2026-03-04T15:00:00Z"{{{(status is "pending" ? "" : ",\"end_time\":\"2026-03-04T15:00:10Z\"")}}}{{{more}}}},"endpoint":"e"}""";
}
