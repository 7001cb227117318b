using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Cortex.Core.Clusters;
using Cortex.Runtimes.Fake;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Tests.Jobs;

/// <summary>Batch APIs over HTTP, on a machine in memory whose pods are one small server.</summary>
public sealed class BatchJobTests : IAsyncLifetime
{
    private const string Items = """{"workers": 2, "item_list": {"items": [1, 2, 3, 4, 5], "batch_size": 2}}""";

    private BatchWorker _worker = null!;

    public async ValueTask InitializeAsync() => _worker = await BatchWorker.StartAsync();

    public ValueTask DisposeAsync() => _worker.DisposeAsync();

    [Fact]
    public async Task Deploy_BatchApi_SaysWhatBecameOfItAndStartsNothing()
    {
        await using var cluster = await TestCluster.StartAsync();

        Assert.Equal("created score (BatchAPI)", Assert.Single(await cluster.DeployAsync(Api("score"))).Message);
        Assert.Equal("score (BatchAPI) is up to date", Assert.Single(await cluster.DeployAsync(Api("score"))).Message);
        Assert.Equal("updated score (BatchAPI)", Assert.Single(await cluster.DeployAsync(Api("score", "app:2"))).Message);

        var api = await cluster.GetAsync("/get/score");
        Assert.Equal("", api.Spec!.DeploymentId);
        Assert.Null(api.BatchJobStatuses);
        Assert.Empty(cluster.Runtime.List());
    }

    [Fact]
    public async Task Post_Get_HaveTheContractsShapes()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _worker.Answer = async _ =>
        {
            await gate.Task;
            return (200, "");
        };
        using var anonymous = new HttpClient { BaseAddress = cluster.Url };

        using var posted = await anonymous.PostAsync(Relative("/batch/score"), Json("""
            {"workers": 2, "timeout": 600, "config": {"a": {"b": "<"}}, "sqs_dead_letter_queue": {"arn": "arn:q", "max_receive_count": 2}, "item_list": {"items": [1, 2, 3, 4, 5], "batch_size": 2}}
            """));
        using var job = JsonDocument.Parse(await posted.Content.ReadAsStringAsync());
        var id = Text(job.RootElement, "job_id");
        Assert.Equal(
            ["job_id", "api_name", "kind", "workers", "sqs_dead_letter_queue", "config", "timeout", "api_id", "sqs_url", "start_time", "created_time"],
            job.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            ("score", "BatchAPI", 2, 600, "", """{"arn":"arn:q","max_receive_count":2}"""),
            (Text(job.RootElement, "api_name"), Text(job.RootElement, "kind"), job.RootElement.GetProperty("workers").GetInt32(), job.RootElement.GetProperty("timeout").GetInt32(),
                Text(job.RootElement, "sqs_url"), job.RootElement.GetProperty("sqs_dead_letter_queue").GetRawText()));

        var running = await UntilAsync(cluster, id, status => status.GetProperty("status").GetString() == "running" && _worker.Requests.Count == 2, "two workers work");
        Assert.Equal((3, 3), (running.GetProperty("total_batch_count").GetInt32(), running.GetProperty("batches_in_queue").GetInt32()));
        Assert.Equal((2, 2), (running.GetProperty("worker_counts").GetProperty("ready").GetInt32(), running.GetProperty("worker_counts").GetProperty("running").GetInt32()));

        gate.SetResult();
        var answer = await EndAsync(cluster, id, "succeeded");

        Assert.Equal(["api_spec", "job_status", "metrics", "endpoint"], answer.EnumerateObject().Select(property => property.Name));
        Assert.Equal($"http://apis:8889/score?jobID={id}", Text(answer, "endpoint"));
        var metrics = answer.GetProperty("metrics");
        Assert.Equal((3, 0), (metrics.GetProperty("succeeded").GetInt32(), metrics.GetProperty("failed").GetInt32()));
        Assert.Equal(metrics.GetProperty("average_time_per_batch").GetDouble(), metrics.GetProperty("avg_time_per_batch").GetDouble());
        var ended = answer.GetProperty("job_status");
        Assert.Equal((3, 0), (ended.GetProperty("total_batch_count").GetInt32(), ended.GetProperty("batches_in_queue").GetInt32()));
        Assert.False(ended.TryGetProperty("worker_counts", out _));
        Assert.True(ended.GetProperty("end_time").GetDateTimeOffset() >= ended.GetProperty("start_time").GetDateTimeOffset());
        Assert.Equal(["[1,2]", "[3,4]", "[5]"], _worker.Batches.Order(StringComparer.Ordinal));
        Assert.All(_worker.Requests, request => Assert.Equal(id, request.JobId));
        Assert.Equal(1, _worker.Requests.Count(request => request.Path == "/on-job-complete"));
    }

    [Theory]
    [InlineData("POST", "/batch/none", "{}", "resources.api_not_deployed")]
    [InlineData("POST", "/batch/rt", "{}", "resources.operation_is_only_supported_for_kind")]
    [InlineData("POST", "/batch/score", "", "error")]
    [InlineData("POST", "/batch/score", "[]", "error")]
    [InlineData("POST", "/batch/score", """{"workers": 2.0, "item_list": {"items": [1], "batch_size": 1}}""", "error")]
    [InlineData("POST", "/batch/score", """{"workers": 1}""", "job.specify_exactly_one_key")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "item_list": {}, "file_path_lister": {}}""", "job.conflicting_fields")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "item_list": {"items": [], "batch_size": 1}}""", "configreader.too_few_elements")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "item_list": {"items": [1]}}""", "configreader.must_be_greater_than_or_equal_to")]
    [InlineData("POST", "/batch/score", """{"item_list": {"items": [1], "batch_size": 1}}""", "configreader.must_be_greater_than_or_equal_to")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "timeout": 0, "item_list": {"items": [1], "batch_size": 1}}""", "configreader.must_be_greater_than_or_equal_to")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "sqs_dead_letter_queue": {"max_receive_count": 1}, "item_list": {"items": [1], "batch_size": 1}}""", "configreader.cannot_be_empty")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "sqs_dead_letter_queue": {"arn": "a"}, "item_list": {"items": [1], "batch_size": 1}}""", "configreader.must_be_greater_than_or_equal_to")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "file_path_lister": {"s3_paths": [], "batch_size": 1}}""", "configreader.too_few_elements")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "file_path_lister": {"s3_paths": ["s3://b"], "includes": ["[" ], "batch_size": 1}}""", "error")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "file_path_lister": {"s3_paths": ["b/x"], "batch_size": 1}}""", "aws.invalid_s3_path")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "delimited_files": {"s3_paths": ["file:///etc/passwd"], "batch_size": 1}}""", "batchapi.path_not_allowed")]
    [InlineData("POST", "/batch/score", """{"workers": 1, "delimited_files": {"s3_paths": ["http://127.0.0.1/x"], "batch_size": 1}}""", "batchapi.path_not_allowed")]
    [InlineData("POST", "/batch/score?retryDeadLetters=true", null, "endpoints.query_param_required")]
    [InlineData("POST", "/batch/score?retryDeadLetters=true&jobID=1", null, "job.not_found")]
    [InlineData("GET", "/batch/none", null, "endpoints.query_param_required")]
    [InlineData("GET", "/batch/none?jobID=1", null, "resources.api_not_deployed")]
    [InlineData("GET", "/batch/rt?jobID=1", null, "resources.operation_is_only_supported_for_kind")]
    [InlineData("GET", "/batch/score?jobID=1", null, "job.not_found")]
    [InlineData("GET", "/batch/score?jobID=1&deadLetters=true", null, "job.not_found")]
    [InlineData("GET", "/batch/score?jobID=1&deadLetters=true&limit=0", null, "error")]
    [InlineData("DELETE", "/batch/score", null, "endpoints.query_param_required")]
    [InlineData("DELETE", "/batch/score?jobID=1", null, "job.not_found")]
    [InlineData("GET", "/logs/score", null, "endpoints.logs_job_id_required")]
    [InlineData("GET", "/logs/score?jobID=1", null, "job.not_found")]
    public async Task Wrong_IsRefusedAndStartsNothing(string method, string path, string? body, string kind)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score") + TestCluster.Api("rt", replicas: 0));
        using var request = new HttpRequestMessage(new HttpMethod(method), Relative(path)) { Content = body is null ? null : Json(body) };

        using var response = await cluster.Client.SendAsync(request);

        Assert.Equal(kind, (await TestCluster.ErrorAsync(response)).Kind);
        Assert.Equal(0, cluster.Machine.CreatedCount);
        Assert.Null((await cluster.GetAsync("/get/score")).BatchJobStatuses);
    }

    [Fact]
    public async Task Limits_OfTheCluster_Hold()
    {
        await using var cluster = await TestCluster.StartAsync(new ClusterConfig { Jobs = new JobSettings { MaxSubmissionSize = 1100, MaxItemSize = 500, MaxWorkers = 3, MaxStreamedSize = 2000 } });
        await cluster.DeployAsync(Api("score"));
        string Body(int length, int workers = 1) => $$$"""{"workers": {{{workers}}}, "item_list": {"items": ["{{{new string('x', length)}}}"], "batch_size": 1}}""";

        using var item = await cluster.Client.PostAsync(Relative("/batch/score"), Json(Body(499)));
        using var body = await cluster.Client.PostAsync(Relative("/batch/score"), Json(Body(1100)));
        using var workers = await cluster.Client.PostAsync(Relative("/batch/score"), Json(Body(1, 4)));
        using var streamed = await cluster.Client.PostAsync(Relative("/batch/score?workers=1&batch_size=1"), Lines(string.Concat(Enumerable.Repeat("123456789\n", 201))));

        Assert.Equal("batchapi.item_size_exceeds_limit", (await TestCluster.ErrorAsync(item)).Kind);
        Assert.Contains("jobs.max_submission_size", (await TestCluster.ErrorAsync(body)).Message, StringComparison.Ordinal);
        Assert.Equal("configreader.must_be_less_than_or_equal_to", (await TestCluster.ErrorAsync(workers)).Kind);
        Assert.Contains("request body too large", (await TestCluster.ErrorAsync(streamed)).Message, StringComparison.Ordinal);
        Assert.Equal(0, cluster.Machine.CreatedCount);
    }

    [Fact]
    public async Task Post_NewlineDelimited_IsAJobOfItsItems()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));

        using var posted = await cluster.Client.PostAsync(Relative("/batch/score?workers=1&batch_size=2&timeout=60&max_receive_count=2&config=%7B%22a%22:1%7D"), Lines("{\"id\":1}\n{\"id\":2}\n{\"id\":3}"));
        using var job = JsonDocument.Parse(await posted.Content.ReadAsStringAsync());

        Assert.Equal(("""{"a":1}""", 60, """{"max_receive_count":2}"""), (job.RootElement.GetProperty("config").GetRawText(), job.RootElement.GetProperty("timeout").GetInt32(), job.RootElement.GetProperty("dead_letter_queue").GetRawText()));
        await EndAsync(cluster, Text(job.RootElement, "job_id"), "succeeded");
        Assert.Equal(["""[{"id":1},{"id":2}]""", """[{"id":3}]"""], _worker.Batches);
    }

    [Theory]
    [InlineData("/batch/score?workers=1&batch_size=1", "1\n{", "error")]
    [InlineData("/batch/score?workers=1&batch_size=1", "", "configreader.too_few_elements")]
    [InlineData("/batch/score?workers=1", "1", "configreader.must_be_greater_than_or_equal_to")]
    [InlineData("/batch/score?workers=x&batch_size=1", "1", "error")]
    [InlineData("/batch/score?workers=1&batch_size=1&wrong=1", "1", "error")]
    public async Task Post_NewlineDelimitedWrong_IsRefusedAndStartsNothing(string path, string body, string kind)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));

        using var response = await cluster.Client.PostAsync(Relative(path), Lines(body));

        Assert.Equal(kind, (await TestCluster.ErrorAsync(response)).Kind);
        Assert.Null((await cluster.GetAsync("/get/score")).BatchJobStatuses);
    }

    [Fact]
    public async Task Post_BodyThatStops_IsAnsweredAndForgotten()
    {
        await using var cluster = await TestCluster.StartAsync(new ClusterConfig { Jobs = new JobSettings { UploadIdleTimeout = TimeSpan.FromSeconds(1) } });
        await cluster.DeployAsync(Api("score"));
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, cluster.Url.Port, TestContext.Current.CancellationToken);
        await using var stream = socket.GetStream();
        await stream.WriteAsync("POST /batch/score?workers=1&batch_size=1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);

        Assert.Equal("HTTP/1.1 408 Request Timeout", await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.Null((await cluster.GetAsync("/get/score")).BatchJobStatuses);
    }

    [Fact]
    public async Task DryRun_ListsFilesOrSaysWhatIsWrong_AndStartsNothing()
    {
        var folder = Directory.CreateTempSubdirectory("cortex-batch-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "a.json"), "1");
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "b.json"), "2");
            await using var cluster = await TestCluster.StartAsync(new ClusterConfig { Jobs = new JobSettings { Sources = new JobSourceSettings { FileFolders = [folder.FullName] } } });
            await cluster.DeployAsync(Api("score"));
            string Files(string excludes) => $$$"""{"workers": 1, "delimited_files": {"s3_paths": ["file://{{{folder.FullName}}}/"], "excludes": [{{{excludes}}}], "batch_size": 1}}""";

            Assert.Equal((HttpStatusCode.OK, $"file://{folder.FullName}/a.json\nfile://{folder.FullName}/b.json\nvalidations passed"), await DryRunAsync(cluster, Json(Files(""))));
            Assert.Equal((HttpStatusCode.OK, "validations passed"), await DryRunAsync(cluster, Json(Items)));
            Assert.Equal((HttpStatusCode.OK, "validations passed"), await DryRunAsync(cluster, Lines("1\n2"), "&workers=1&batch_size=1"));
            var (none, text) = await DryRunAsync(cluster, Json(Files("\"**\"")));
            Assert.Equal(HttpStatusCode.BadRequest, none);
            Assert.StartsWith("\nthere are no files that pass includes and excludes", text, StringComparison.Ordinal);
            Assert.Equal((HttpStatusCode.BadRequest, "\nworkers: must be 1 or more, not 0\n"), await DryRunAsync(cluster, Json("""{"item_list": {"items": [1], "batch_size": 1}}""")));
            Assert.Equal(HttpStatusCode.BadRequest, (await DryRunAsync(cluster, Lines("1\n{"), "&workers=1&batch_size=1")).Status);
            using var unreadable = await cluster.Client.PostAsync(Relative("/batch/score?dryRun=true"), Json("{"));
            Assert.Equal("error", (await TestCluster.ErrorAsync(unreadable)).Kind);
            Assert.Null((await cluster.GetAsync("/get/score")).BatchJobStatuses);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task DeadLetters_AreListedAndTriedAgainByOneCall()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));
        var broken = true;
        _worker.Answer = body => Task.FromResult(broken && (body == "[2]" || body == "[3]") ? (500, "no such model") : (200, ""));
        var id = await SubmitAsync(cluster, """{"workers": 1, "item_list": {"items": [1, 2, 3], "batch_size": 1}}""");

        var ended = (await EndAsync(cluster, id, "completed_with_failures")).GetProperty("job_status");

        Assert.Equal((2, "2 of 3 batches failed"), (ended.GetProperty("dead_letters").GetInt32(), Text(ended, "message")));
        using var first = JsonDocument.Parse(await cluster.Client.GetStringAsync(Relative($"/batch/score?jobID={id}&deadLetters=true&limit=1")));
        using var second = JsonDocument.Parse(await cluster.Client.GetStringAsync(Relative($"/batch/score?jobID={id}&deadLetters=true&limit=1&cursor={Uri.EscapeDataString(Text(first.RootElement, "cursor"))}")));
        var letters = new[] { first, second }.Select(page => Assert.Single(page.RootElement.GetProperty("dead_letters").EnumerateArray())).ToList();
        Assert.Equal(["[2]", "[3]"], letters.Select(letter => letter.GetProperty("batch").GetRawText()).Order(StringComparer.Ordinal));
        var attempt = Assert.Single(letters[0].GetProperty("attempts").EnumerateArray());
        Assert.Equal((500, "no such model"), (attempt.GetProperty("status").GetInt32(), Text(attempt, "answer")));

        broken = false;
        using var posted = await cluster.Client.PostAsync(Relative($"/batch/score?jobID={id}&retryDeadLetters=true&workers=2"), null);
        using var again = JsonDocument.Parse(await posted.Content.ReadAsStringAsync());
        Assert.Equal((id, 2), (Text(again.RootElement, "retry_of"), again.RootElement.GetProperty("workers").GetInt32()));
        await EndAsync(cluster, Text(again.RootElement, "job_id"), "succeeded");
        Assert.Equal(["[1]", "[2]", "[2]", "[3]", "[3]"], _worker.Batches.Order(StringComparer.Ordinal));
        using var none = await cluster.Client.PostAsync(Relative($"/batch/score?jobID={Text(again.RootElement, "job_id")}&retryDeadLetters=true"), null);
        Assert.Equal("job.no_dead_letters", (await TestCluster.ErrorAsync(none)).Kind);
    }

    [Fact]
    public async Task Stop_EndsTheJobAndItsWorkers()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));
        _worker.Answer = async _ =>
        {
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            return (200, "");
        };
        var id = await SubmitAsync(cluster, Items);
        await UntilAsync(cluster, id, status => Text(status, "status") == "running", "it runs");
        using var retried = await cluster.Client.PostAsync(Relative($"/batch/score?jobID={id}&retryDeadLetters=true"), null);
        Assert.Equal("job.job_is_in_progress", (await TestCluster.ErrorAsync(retried)).Kind);

        using var deleted = await cluster.Client.DeleteAsync(Relative($"/batch/score?jobID={id}"));

        Assert.Equal($$"""{"message":"stopped job {{id}}"}""", await deleted.Content.ReadAsStringAsync());
        await EndAsync(cluster, id, "stopped");
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "its workers are gone");
        using var again = await cluster.Client.DeleteAsync(Relative($"/batch/score?jobID={id}"));
        Assert.Equal("job.job_is_not_in_progress", (await TestCluster.ErrorAsync(again)).Kind);
    }

    [Fact]
    public async Task Get_Lists_ShowUnfinishedAndLatestJobs()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));
        var ids = new List<string>();
        for (var i = 0; i < 11; i++)
        {
            ids.Add(await SubmitAsync(cluster, """{"workers": 1, "item_list": {"items": [1], "batch_size": 1}}"""));
            await EndAsync(cluster, ids[i], "succeeded");
        }

        Assert.Equal(ids.AsEnumerable().Reverse().Take(10), Ids(await cluster.GetAsync("/get/score")));
        Assert.Equal([ids[10]], Ids(Assert.Single(await cluster.GetListAsync("/get"))));
    }

    [Fact]
    public async Task Logs_OfAllWorkers_ComeFromTheirPodsAndLaterFromWhatWasKept()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { Log = ["first", "{\"message\":\"second\"}"] };
        await cluster.DeployAsync(Api("score"));
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _worker.Answer = async _ =>
        {
            await gate.Task;
            return (200, "");
        };
        var id = await SubmitAsync(cluster, Items);
        await UntilAsync(cluster, id, status => status.TryGetProperty("worker_counts", out var counts) && counts.TryGetProperty("ready", out var ready) && ready.GetInt32() == 2, "both workers are ready");
        var live = cluster.Client.GetStringAsync(Relative($"/streamlogs/score?jobID={id}&allPods=true"));
        Assert.Equal("first\nsecond\n", await cluster.Client.GetStringAsync(Relative($"/streamlogs/score?jobID={id}&follow=false")));

        await Task.WhenAny(live, Task.Delay(300, TestContext.Current.CancellationToken));
        Assert.False(live.IsCompleted);
        gate.SetResult();

        string[] expected = [$"score-{id}-0/main first", $"score-{id}-0/main second", $"score-{id}-1/main first", $"score-{id}-1/main second"];
        Assert.Equal(expected, Sorted(await live.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)));
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "its workers are gone");
        Assert.Equal(expected, Sorted(await cluster.Client.GetStringAsync(Relative($"/streamlogs/score?jobID={id}&allPods=true"))));
        Assert.Equal("second\n", await cluster.Client.GetStringAsync(Relative($"/streamlogs/score?jobID={id}&tail=1")));
    }

    [Fact]
    public async Task Restart_JobsGoOnAndEndedOnesAreStillThere()
    {
        var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _worker.Answer = async body =>
        {
            await (body == "[1,2]" ? gate.Task : Task.CompletedTask);
            return (200, "");
        };
        var ended = await SubmitAsync(cluster, """{"workers": 1, "item_list": {"items": [9], "batch_size": 1}}""");
        await EndAsync(cluster, ended, "succeeded");
        var running = await SubmitAsync(cluster, Items);
        await UntilAsync(cluster, running, status => status.GetProperty("batch_metrics").GetProperty("succeeded").GetInt32() == 2, "all but one batch are done");

        await using var next = await cluster.RestartAsync();

        gate.SetResult();
        await EndAsync(next, running, "succeeded");
        var (_, status) = await JobAsync(next, ended);
        Assert.Equal("succeeded", Text(status, "status"));
        Assert.Equal(3, next.Machine.CreatedCount);
    }

    [Fact]
    public async Task Delete_Api_StopsItsJobs_KeepCacheKeepsThem()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score") + Api("kept"));
        _worker.Answer = async _ =>
        {
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            return (200, "");
        };
        var gone = await SubmitAsync(cluster, Items);
        var kept = await SubmitAsync(cluster, Items, "kept");
        await UntilAsync(cluster, gone, status => Text(status, "status") == "running", "it runs");
        await UntilAsync(cluster, kept, status => Text(status, "status") == "running", "it runs", "kept");

        using var first = await cluster.Client.DeleteAsync(Relative("/delete/score"));
        using var second = await cluster.Client.DeleteAsync(Relative("/delete/kept?keepCache=true"));

        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "no worker is left");
        await cluster.DeployAsync(Api("score") + Api("kept"));
        Assert.Null((await cluster.GetAsync("/get/score")).BatchJobStatuses);
        Assert.Equal("its API was deleted", Text((await EndAsync(cluster, kept, "stopped", "kept")).GetProperty("job_status"), "message"));
    }

    [Fact]
    public async Task Redeploy_RunningJobKeepsItsOwnSpecification()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _worker.Answer = async _ =>
        {
            await gate.Task;
            return (200, "");
        };
        var id = await SubmitAsync(cluster, Items);
        await UntilAsync(cluster, id, status => Text(status, "status") == "running", "it runs");

        await cluster.DeployAsync(Api("score", "app:2"));
        gate.SetResult();

        var answer = await EndAsync(cluster, id, "succeeded");
        Assert.Equal("app:1", Text(answer.GetProperty("api_spec").GetProperty("pod").GetProperty("containers")[0], "image"));
    }

    [Fact]
    public async Task Endpoint_OnTheGateway_TakesTheSameRequests()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));
        var route = Assert.Single(cluster.DataPlane.Routes.Jobs);
        Assert.Equal(("score", "BatchAPI", "/score"), (route.Name, route.Kind, route.Endpoint));
        async Task<(int Status, string Body)> CallAsync(string method, string path, string query, string body = "")
        {
            var http = new DefaultHttpContext();
            (http.Request.Method, http.Request.Path, http.Request.QueryString, http.Request.Body) = (method, path, new QueryString(query), new MemoryStream(Encoding.UTF8.GetBytes(body)));
            using var answer = new MemoryStream();
            http.Response.Body = answer;
            await cluster.HandlerOf(route).HandleAsync(http, path + query, route.Endpoint.Length, path.Length);
            return (http.Response.StatusCode, Encoding.UTF8.GetString(answer.ToArray()));
        }

        var (status, posted) = await CallAsync("POST", "/score", "", Items);

        Assert.Equal(200, status);
        var id = Text(JsonDocument.Parse(posted).RootElement, "job_id");
        await EndAsync(cluster, id, "succeeded");
        Assert.Equal(200, (await CallAsync("GET", "/score/", $"?jobID={id}")).Status);
        Assert.Equal(400, (await CallAsync("GET", "/score", "")).Status);
        Assert.Equal(404, (await CallAsync("GET", "/score/more", $"?jobID={id}")).Status);
        Assert.Equal(405, (await CallAsync("PUT", "/score", "")).Status);
        Assert.Equal(400, (await CallAsync("DELETE", "/score", $"?jobID={id}")).Status);
    }

    [Fact]
    public async Task Metrics_CountBatches()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("score"));
        _worker.Answer = body => Task.FromResult(body == "[5]" ? (500, "") : (200, ""));
        await EndAsync(cluster, await SubmitAsync(cluster, Items), "completed_with_failures");

        var text = await cluster.Client.GetStringAsync(Relative("/metrics"));

        Assert.Contains("cortex_batch_succeeded{api_name=\"score\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("cortex_batch_failed{api_name=\"score\"} 1\n", text, StringComparison.Ordinal);
    }

    private string Api(string name, string image = "app:1") => $$"""
        - name: {{name}}
          kind: BatchAPI
          pod:
            port: {{_worker.Port}}
            containers:
            - name: main
              image: {{image}}
              command: [run]
              compute: {cpu: 20m}

        """;

    private static async Task<string> SubmitAsync(TestCluster cluster, string body, string api = "score")
    {
        using var response = await cluster.Client.PostAsync(Relative($"/batch/{api}"), Json(body));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        using var job = JsonDocument.Parse(text);
        return Text(job.RootElement, "job_id");
    }

    private static async Task<(HttpStatusCode Status, string Body)> DryRunAsync(TestCluster cluster, HttpContent content, string query = "")
    {
        using var response = await cluster.Client.PostAsync(Relative($"/batch/score?dryRun=true{query}"), content);
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static async Task<(JsonElement Answer, JsonElement Status)> JobAsync(TestCluster cluster, string id, string api = "score", string more = "")
    {
        using var answer = JsonDocument.Parse(await cluster.Client.GetStringAsync(Relative($"/batch/{api}?jobID={id}{more}")));
        return (answer.RootElement.Clone(), answer.RootElement.GetProperty("job_status").Clone());
    }

    private static async Task<JsonElement> UntilAsync(TestCluster cluster, string id, Func<JsonElement, bool> condition, string what, string api = "score")
    {
        JsonElement status = default;
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(60);
        do
        {
            Assert.True(DateTime.UtcNow < deadline, $"never: {what}: {status}");
            await Task.Delay(5);
            (_, status) = await JobAsync(cluster, id, api);
        }
        while (!condition(status));
        return status;
    }

    private static async Task<JsonElement> EndAsync(TestCluster cluster, string id, string expected, string api = "score")
    {
        var (answer, status) = await JobAsync(cluster, id, api, "&wait=60s");
        Assert.True(Text(status, "status") == expected, $"not {expected}: {status}");
        return answer;
    }

    private static IEnumerable<string> Ids(Core.Wire.ApiResponse api) => api.BatchJobStatuses!.Select(job => Text(job, "job_id"));

    private static string[] Sorted(string lines) => [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    private static string Text(JsonElement json, string key) => json.GetProperty(key).GetString()!;

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static StringContent Lines(string body) => new(body, Encoding.UTF8, "application/x-ndjson");

    private static Uri Relative(string path) => new(path, UriKind.Relative);
}
