using System.Net;
using System.Text.Json;
using Cortex.Cli.Tests.Support;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Commands;

/// <summary>Batch jobs on the command line.</summary>
public sealed class BatchJobCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public BatchJobCommandTests()
    {
        _cli.Configure("prod");
        _cli.Operator.On("GET /get/score", HttpStatusCode.OK, JsonSerializer.Serialize<IReadOnlyList<ApiResponse>>([Apis.Detailed("score", ApiKind.BatchAPI)], WireJson.Contract.IReadOnlyListApiResponse));
        _cli.Operator.On("GET /get/train", HttpStatusCode.OK, JsonSerializer.Serialize<IReadOnlyList<ApiResponse>>([Apis.Detailed("train", ApiKind.TaskAPI)], WireJson.Contract.IReadOnlyListApiResponse));
        _cli.Operator.On("POST /batch/score", () => """{"job_id":"j1","api_name":"score","kind":"BatchAPI"}""");
    }

    [Fact]
    public async Task Submit_FileAndFlags_FlagsWin()
    {
        _cli.Write("job.json", """{"workers": 1, "item_list": {"items": [1, "ä"], "batch_size": 1}, "sqs_dead_letter_queue": {"arn": "a", "max_receive_count": 1}}""");

        await _cli.RunAsync("job", "submit", "score", "-f", "job.json", "--workers", "4", "--batch-size", "2", "--max-receive-count", "3", "-c", "k=v");

        Assert.Equal(
            """{"workers":4,"item_list":{"items":[1,"ä"],"batch_size":2},"sqs_dead_letter_queue":{"arn":"a","max_receive_count":3},"config":{"k":"v"}}""",
            _cli.Operator.Requests[^1].Body);
    }

    [Fact]
    public async Task Submit_Items_AreSentAsTheyAreWithTheSettingsBeside()
    {
        _cli.Write("items.ndjson", "{\"id\":1}\n{\"id\":2}\n");

        var result = await _cli.RunAsync("job", "submit", "score", "-f", "items.ndjson", "--workers", "4", "--batch-size", "100", "--timeout", "1m", "--max-receive-count", "3", "-c", "a=b c");

        Assert.Equal((0, "submitted job j1 of score\n"), (result.ExitCode, result.Out));
        Assert.Equal(
            ("POST /batch/score?workers=4&batch_size=100&timeout=60&max_receive_count=3&config=%7B%22a%22%3A%22b%20c%22%7D", "{\"id\":1}\n{\"id\":2}\n"),
            (_cli.Operator.Requests[^1].Line, _cli.Operator.Requests[^1].Body));
    }

    [Fact]
    public async Task Submit_ItemsFromStandardInput_OneWorkerAndOneItemABatchByDefault()
    {
        _cli.Input = "1\n2\n";

        await _cli.RunAsync("job", "submit", "score", "-f", "-", "--ndjson");

        Assert.Equal(("POST /batch/score?workers=1&batch_size=1", "1\n2\n"), (_cli.Operator.Requests[^1].Line, _cli.Operator.Requests[^1].Body));
    }

    [Theory]
    [InlineData("--batch-size needs a submission", "job", "submit", "score", "--batch-size", "2")]
    [InlineData("--ndjson needs the items", "job", "submit", "score", "--ndjson")]
    [InlineData("leave --priority out", "job", "submit", "score", "--priority", "2")]
    [InlineData("which takes no items", "job", "submit", "train", "--max-receive-count", "2")]
    [InlineData("which takes no items", "job", "submit", "train", "--dry-run")]
    [InlineData("there is no file", "job", "submit", "score", "-f", "none.json")]
    [InlineData("there is no file", "job", "submit", "score", "-f", "none.ndjson")]
    [InlineData("the items of a batch job go into a file that ends with .ndjson", "job", "submit", "score", "-f", "two.txt")]
    public async Task Submit_Senseless_SaysWhyAndSubmitsNothing(string said, params string[] args)
    {
        _cli.Write("two.txt", "{}\n{}\n");

        var result = await _cli.RunAsync(args);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(said, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(_cli.Operator.Requests, request => request.Line.StartsWith("POST", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DryRun_PrintsWhatTheServerFound()
    {
        _cli.Write("job.json", """{"workers": 1}""");
        _cli.Operator.On("POST /batch/score", () => "s3://b/one\ns3://b/two\nvalidations passed");

        var result = await _cli.RunAsync("job", "submit", "score", "-f", "job.json", "--dry-run");

        Assert.Equal((0, "s3://b/one\ns3://b/two\nvalidations passed\n"), (result.ExitCode, result.Out));
        Assert.Equal("POST /batch/score?dryRun=true", _cli.Operator.Requests[^1].Line);
    }

    [Fact]
    public async Task DryRun_Refused_SaysWhy()
    {
        _cli.Operator.OnText("POST /batch/score", HttpStatusCode.BadRequest, "\nworkers: must be 1 or more, not 0\n");

        var result = await _cli.RunAsync("job", "submit", "score", "--dry-run");

        Assert.Equal((1, "error: workers: must be 1 or more, not 0\n"), (result.ExitCode, result.Error));
    }

    [Theory]
    [InlineData("succeeded", 0)]
    [InlineData("completed_with_failures", 1)]
    [InlineData("enqueue_failed", 1)]
    [InlineData("worker_error", 1)]
    [InlineData("worker_oom", 137)]
    [InlineData("timed_out", 124)]
    [InlineData("stopped", 143)]
    public async Task Wait_EndsAsTheJobDid(string status, int exitCode)
    {
        var asked = 0;
        _cli.Operator.On("GET /batch/score", () => Job(++asked < 3 ? "enqueuing" : status));

        Assert.Equal(exitCode, (await _cli.RunAsync("job", "submit", "score", "--wait")).ExitCode);
        Assert.Equal("GET /batch/score?jobID=j1&wait=30s", _cli.Operator.Requests[^1].Line);
    }

    [Fact]
    public async Task Wait_OnATerminal_ShowsHowFarItIs()
    {
        _cli.ErrorIsTerminal = true;
        var looks = new Queue<string>([
            Job("pending"),
            Job("enqueuing", ""","total_batch_count":40"""),
            Job("running", ""","total_batch_count":100,"workers":4,"worker_counts":{"ready":3},"batch_metrics":{"succeeded":10,"failed":0}"""),
            Job("running", ""","total_batch_count":100,"workers":4,"worker_counts":{"ready":4},"batch_metrics":{"succeeded":28,"failed":2}"""),
            Job("completed_with_failures", ""","total_batch_count":100,"workers":4,"batch_metrics":{"succeeded":98,"failed":2},"dead_letters":2,"message":"2 of 100 batches failed" """),
        ]);
        _cli.Operator.On("GET /batch/score", looks.Dequeue);

        var result = await _cli.RunAsync("job", "submit", "score", "--wait");

        var lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[(line.LastIndexOf('K') + 1)..]);
        Assert.Equal(
            [
                "pending",
                "enqueuing, 40 batches so far",
                "[###---------------------------]  10%  10/100 batches, 3 of 4 workers",
                "[#########---------------------]  30%  30/100 batches, 2 failed, 4 of 4 workers, 20/s, 4s left",
                "[##############################] 100%  100/100 batches, 2 failed",
            ],
            lines);
        Assert.EndsWith(
            "completed with failures after 10s: 2 of 100 batches failed\n2 batches were given up: `cortex job dead-letters score j1` shows why, `cortex job retry score j1` tries again\n",
            result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_Watch_EndsWithTheJob()
    {
        _cli.OutputIsTerminal = true;
        _cli.SetVariable("NO_COLOR", "1");
        var looks = new Queue<string>([
            Job("running", ""","total_batch_count":10,"workers":1,"worker_counts":{"ready":1},"batch_metrics":{"succeeded":2,"failed":0}"""),
            Job("succeeded", ""","total_batch_count":10,"workers":1,"batch_metrics":{"succeeded":10,"failed":0}"""),
        ]);
        _cli.Operator.On("GET /batch/score", looks.Dequeue);

        var result = await _cli.RunAsync("get", "score", "j1", "--watch");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("[######------------------------]  20%  2/10 batches, 1 of 1 workers\e[K\n", result.Out, StringComparison.Ordinal);
        Assert.Contains("[##############################] 100%  10/10 batches\e[K\n", result.Out, StringComparison.Ordinal);
        Assert.Empty(looks);
    }

    [Fact]
    public async Task Get_WatchOfATaskJob_EndsWithTheJob()
    {
        _cli.OutputIsTerminal = true;
        var asked = 0;
        _cli.Operator.On("GET /tasks/train", () => Job(++asked < 3 ? "running" : "worker_error"));

        Assert.Equal(0, (await _cli.RunAsync("get", "train", "j1", "-w")).ExitCode);
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task DeadLetters_Table_ShowsTheLastAnswerAndTheItems()
    {
        _cli.Operator.On("GET /batch/score", () => """
            {"dead_letters":[
              {"id":"b1","attempts":[{"status":500,"answer":"first","message":"m"},{"status":503,"answer":"no\nmodel","message":"m"}],"batch":[1,2]},
              {"id":"b2","attempts":[{"reason":"connection","message":"the worker went away","answer":""}],"batch":["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]}],"cursor":"c2"}
            """);

        var result = await _cli.RunAsync("job", "dead-letters", "score", "j1", "--limit", "2");

        Assert.Equal("""
            batch   attempts   last answer            items
            b1      2          503 no model           [1,2]
            b2      1          the worker went away   ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...

            """, result.Out);
        Assert.Equal("there are more: add --cursor c2\n", result.Error);
        Assert.Equal("GET /batch/score?jobID=j1&deadLetters=true&limit=2", _cli.Operator.Requests[^1].Line);
    }

    [Fact]
    public async Task DeadLetters_NoneAndJson()
    {
        _cli.Operator.On("GET /batch/score", () => """{"dead_letters":[]}""");

        Assert.Equal("job j1 of score gave up no batches\n", (await _cli.RunAsync("job", "dead-letters", "score", "j1")).Out);
        Assert.Equal("""{"dead_letters":[]}""", (await _cli.RunAsync("job", "dead-letters", "score", "j1", "--cursor", "a b", "-o", "json")).Out);
        Assert.Equal("GET /batch/score?jobID=j1&deadLetters=true&limit=20&cursor=a%20b", _cli.Operator.Requests[^1].Line);
    }

    [Fact]
    public async Task Retry_SubmitsANewJobAndWaitsWhenAskedTo()
    {
        _cli.Operator.On("POST /batch/score", () => """{"job_id":"j2"}""");
        _cli.Operator.On("GET /batch/score", () => Job("succeeded", jobId: "j2"));

        var result = await _cli.RunAsync("job", "retry", "score", "j1", "--workers", "2", "--wait");

        Assert.Equal((0, "submitted job j2 of score\njob j2 of score: succeeded after 10s\n"), (result.ExitCode, result.Out));
        Assert.Contains(_cli.Operator.Requests, request => request.Line == "POST /batch/score?jobID=j1&retryDeadLetters=true&workers=2");
    }

    [Fact]
    public async Task Delete_Job_GoesToItsRoute()
    {
        _cli.Operator.On("DELETE /batch/score", () => """{"message":"stopped job j1"}""");

        Assert.Equal("stopped job j1\n", (await _cli.RunAsync("delete", "score", "j1")).Out);
    }

    public void Dispose() => _cli.Dispose();

    private static string Job(string status, string more = "", string jobId = "j1")
    {
        var end = status is "pending" or "enqueuing" or "running" ? "" : ""","end_time":"2026-03-04T15:00:10Z" """;
        return $$"""{"job_status":{"job_id":"{{jobId}}","status":"{{status}}","start_time":"2026-03-04T15:00:00Z"{{end}}{{more}}},"endpoint":"e"}""";
    }
}
