using System.Text.Json.Nodes;
using Cortex.Client.Tests.Support;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Microsoft.AspNetCore.Http;

namespace Cortex.Client.Tests;

/// <summary>Jobs of Batch and Task APIs, over real HTTP.</summary>
public sealed class ApiJobsTests : IAsyncLifetime
{
    private ClusterServer _server = null!;
    private CortexClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ClusterServer.StartAsync();
        _client = _server.Connect();
        _server.On("GET /get/train", Api("train", "TaskAPI")).On("GET /get/score", Api("score", "BatchAPI"));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Submit_Task_SaysWhatIsSet()
    {
        _server.On("POST /tasks/train", """{"job_id":"j1","api_name":"train","kind":"TaskAPI","workers":1,"config":{"rate":0.1},"start_time":"2026-11-30T12:00:00Z"}""");

        var job = await _client.Jobs("train").SubmitAsync(new JobOptions { Config = new JsonObject { ["rate"] = 0.1 }, Timeout = TimeSpan.FromSeconds(89.5), Priority = 3 });

        Assert.Equal(("j1", "train", "pending", false, 1, 0.1), (job.JobId, job.ApiName, job.Status, job.IsFinal, job.Workers, job.Config.GetProperty("rate").GetDouble()));
        Assert.Equal("""{"config":{"rate":0.1},"timeout":90,"priority":3}""", _server.Requests.Last().Body);
    }

    [Fact]
    public async Task Submit_WholeSubmission_IsSentAsItIs()
    {
        _server.On("POST /batch/score", """{"job_id":"j1"}""");

        await _client.Jobs("score").SubmitAsync(new JsonObject { ["workers"] = 2, ["item_list"] = new JsonObject { ["items"] = new JsonArray(1, 2), ["batch_size"] = 1 } });

        Assert.Equal("""{"workers":2,"item_list":{"items":[1,2],"batch_size":1}}""", _server.Requests.Last().Body);
    }

    [Fact]
    public async Task SubmitItems_AreSentWhileTheyAreRead()
    {
        const int Count = 100_000;
        var (firstPiece, lines) = (new TaskCompletionSource(), 0);
        _server.On("POST /batch/score", async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            while (await reader.ReadLineAsync() is { } line)
            {
                Assert.Equal($"{{\"Number\":{lines++}}}", line);
                firstPiece.TrySetResult();
            }

            await context.Response.WriteAsync("""{"job_id":"j1"}""");
        });

        var job = await _client.Jobs("score", ApiKind.BatchAPI).SubmitItemsAsync(
            Items(), TestJson.Default.Item, new BatchOptions { Workers = 3, BatchSize = 100, Timeout = TimeSpan.FromHours(1), MaxReceiveCount = 2, Config = new JsonObject { ["a"] = "b c" } });

        Assert.Equal(("j1", Count), (job.JobId, lines));
        var request = Assert.Single(_server.Requests);
        Assert.Equal("POST /batch/score?workers=3&batch_size=100&timeout=3600&max_receive_count=2&config=%7B%22a%22%3A%22b%20c%22%7D", request.Line);
        Assert.Equal("application/x-ndjson", request.Headers["Content-Type"]);

        async IAsyncEnumerable<Item> Items()
        {
            for (var number = 0; number < Count; number++)
            {
                if (number == Count / 2)
                {
                    // The second half is made only once the server has got some of the first.
                    await firstPiece.Task.WaitAsync(TimeSpan.FromSeconds(30));
                }

                yield return new Item(number);
            }
        }
    }

    [Fact]
    public async Task SubmitItems_SourceFails_EndsTheRequestWithItsError()
    {
        var (begun, broken) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server.On("POST /batch/score", async context =>
        {
            try
            {
                await context.Request.Body.ReadExactlyAsync(new byte[100]);
                begun.SetResult();
                await context.Request.Body.CopyToAsync(Stream.Null);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                broken.SetResult();
            }
        });

        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => _client.Jobs("score").SubmitItemsAsync(Items(), TestJson.Default.Item));
        await broken.Task.WaitAsync(TimeSpan.FromSeconds(30));

        async IAsyncEnumerable<Item> Items()
        {
            for (var number = 0; number < 20_000; number++)
            {
                yield return new Item(number);
            }

            await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));
            throw new InvalidTimeZoneException("of the test");
        }
    }

    [Fact]
    public async Task DryRun_TellsFilesOrMistakes()
    {
        _server.On("POST /batch/score", Text("s3://a/b\ns3://a/c\nvalidations passed")).On("POST /batch/score", Text("\nworkers must be 1 or more\n", 400));
        var jobs = _client.Jobs("score");

        Assert.Equal(["s3://a/b", "s3://a/c"], await jobs.DryRunAsync([]));
        Assert.Equal("POST /batch/score?dryRun=true", _server.Requests.Last().Line);
        Assert.Equal((ClientErrorKinds.DryRunFailed, "workers must be 1 or more"), await Assert.ThrowsAsync<CortexException>(() => jobs.DryRunAsync([])) is var error ? (error.Kind, error.Message) : default);
    }

    [Fact]
    public async Task Wait_OverARestart_GivesTheReport()
    {
        _server.On("GET /batch/score", Status("running"));
        for (var i = 0; i < 6; i++)
        {
            _server.Break("GET /batch/score");
        }

        _server.On("GET /batch/score", Status("succeeded", "\"metrics\":{\"succeeded\":9,\"failed\":1,\"average_time_per_batch\":0.25},\"endpoint\":\"http://x/score?jobID=j1\","));

        var report = (await _client.Jobs("score").WaitAsync("j1")).EnsureSucceeded();

        Assert.Equal((9, 1, TimeSpan.FromSeconds(0.25), "http://x/score?jobID=j1"), (report.SucceededBatches, report.FailedAttempts, report.AverageTimePerBatch, report.Endpoint));
        Assert.Equal("GET /batch/score?jobID=j1&wait=30s", _server.Requests.Last().Line);
    }

    [Fact]
    public async Task Wait_Fails_SaysWhyWithItsLastLines()
    {
        _server.On("GET /tasks/train", Status("worker_error", more: ",\"exit_code\":3,\"message\":\"it failed\",\"last_log_lines\":[\"one\",\"two\"]"));

        var report = await _client.Jobs("train").WaitAsync("j1");

        Assert.Equal(3, report.Job.ExitCode);
        var error = Assert.Throws<CortexException>(() => report.EnsureSucceeded());
        Assert.Equal((ClientErrorKinds.JobFailed, "job j1 of train ended as worker_error (exit code 3): it failed\n  one\n  two"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task Wait_TimeIsUp_SaysHowFarItIs()
    {
        _server.On("GET /tasks/train", Status("running", more: ",\"message\":\"waits for room\""));

        var error = await Assert.ThrowsAsync<CortexException>(() => _client.Jobs("train").WaitAsync("j1", TimeSpan.FromSeconds(5)));

        Assert.Equal((ClientErrorKinds.TimedOut, "job j1 of train is running after 5 s: waits for room"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task Wait_JobUnknown_IsTheOperatorsError()
    {
        _server.On("GET /tasks/train", """{"kind":"job.not_found","message":"there is no job j1"}""", 400);

        Assert.Equal("job.not_found", (await Assert.ThrowsAsync<CortexException>(() => _client.Jobs("train").WaitAsync("j1"))).Kind);
    }

    [Fact]
    public async Task StopAndDeadLetters_AskTheirRoutes()
    {
        _server.On("DELETE /batch/score", """{"message":"stopped job j1"}""").On("POST /batch/score", """{"job_id":"j2"}""")
            .On("GET /batch/score", """{"dead_letters":[{"id":"d1","batch":[1,2],"attempts":[{"status":500,"answer":"no","start_time":"2026-11-30T12:00:00Z"}]}],"cursor":"c"}""").On("GET /batch/score", """{"dead_letters":[{"id":"d2","batch":[3],"attempts":[]}]}""");
        var jobs = _client.Jobs("score");

        Assert.Equal("stopped job j1", (await jobs.StopAsync("j1")).Message);
        Assert.Equal("j2", (await jobs.RetryDeadLettersAsync("j1", workers: 4)).JobId);
        var letters = new List<DeadLetter>();
        await foreach (var letter in jobs.DeadLettersAsync("j1"))
        {
            letters.Add(letter);
        }

        Assert.Equal(["d1", "d2"], letters.Select(letter => letter.Id));
        Assert.Equal(("[1,2]", 500, "no"), (letters[0].Batch.GetRawText(), letters[0].Attempts[0].StatusCode, letters[0].Attempts[0].Answer));
        Assert.Equal(
            ["GET /get/score", "DELETE /batch/score?apiName=score&jobID=j1", "POST /batch/score?jobID=j1&retryDeadLetters=true&workers=4", "GET /batch/score?jobID=j1&deadLetters=true&limit=100", "GET /batch/score?jobID=j1&deadLetters=true&limit=100&cursor=c"],
            _server.Requests.Select(request => request.Line));
    }

    private static string Api(string name, string kind) => $$$"""[{"metadata":{"name":"{{{name}}}","kind":"{{{kind}}}","id":"i","last_updated":5}}]""";

    private static string Status(string status, string before = "", string more = "") => $$$"""{{{{before}}}"job_status":{"job_id":"j1","api_name":"train","status":"{{{status}}}"{{{more}}}}}""";

    private static RequestDelegate Text(string text, int status = 200) => async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain";
        await context.Response.WriteAsync(text);
    };
}
