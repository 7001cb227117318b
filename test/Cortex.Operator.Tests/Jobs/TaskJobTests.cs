using System.Net;
using System.Text;
using System.Text.Json;
using Cortex.Core.Clusters;
using Cortex.Routing;
using Cortex.Runtimes;
using Cortex.Runtimes.Fake;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Tests.Jobs;

/// <summary>Task APIs over HTTP, on a machine in memory.</summary>
public sealed class TaskJobTests
{
    [Fact]
    public async Task Deploy_TaskApi_SaysWhatBecameOfItAndStartsNothing()
    {
        await using var cluster = await TestCluster.StartAsync();

        Assert.Equal("created train (TaskAPI)", Assert.Single(await cluster.DeployAsync(Api("train"))).Message);
        Assert.Equal("train (TaskAPI) is up to date", Assert.Single(await cluster.DeployAsync(Api("train"))).Message);
        Assert.Equal("updated train (TaskAPI)", Assert.Single(await cluster.DeployAsync(Api("train", "app:2"))).Message);

        var api = await cluster.GetAsync("/get/train");
        Assert.Equal("", api.Spec!.DeploymentId);
        Assert.Contains("--", api.Spec.Id, StringComparison.Ordinal);
        Assert.Equal((1, 0), (api.Spec.Jobs!.MaxAttempts!.Value, api.Spec.Jobs.Priority));
        Assert.Null(api.Status);
        Assert.Null(api.TaskJobStatuses);
        Assert.Empty(cluster.Runtime.List());
    }

    [Fact]
    public async Task Post_Get_Delete_HaveTheContractsShapes()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train"));
        using var anonymous = new HttpClient { BaseAddress = cluster.Url };

        using var posted = await anonymous.PostAsync(Relative("/tasks/train"), Json("""{"timeout": 60, "config": {"a": {"b": "<&>"}}}"""));
        var body = await posted.Content.ReadAsStringAsync();
        using var job = JsonDocument.Parse(body);
        var id = Text(job, "job_id");
        Assert.Equal(
            ["job_id", "api_name", "kind", "workers", "config", "timeout", "api_id", "spec_id", "pod_id", "start_time", "created_time"],
            job.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("train", "TaskAPI", 60), (Text(job, "api_name"), Text(job, "kind"), job.RootElement.GetProperty("timeout").GetInt32()));
        Assert.Contains("""{"b":"\u003c\u0026\u003e"}""", body, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(16, id.Length);

        await StatusAsync(cluster, "train", id, "running");
        var answer = await GetAsync(cluster, "train", id);
        Assert.Equal(["api_spec", "job_status", "endpoint"], answer.EnumerateObject().Select(property => property.Name));
        Assert.Equal($"http://apis:8889/train?jobID={id}", answer.GetProperty("endpoint").GetString());
        Assert.Equal(1, answer.GetProperty("job_status").GetProperty("worker_counts").GetProperty("ready").GetInt32());
        Assert.Equal("app:1", answer.GetProperty("api_spec").GetProperty("pod").GetProperty("containers")[0].GetProperty("image").GetString());

        using var deleted = await anonymous.DeleteAsync(Relative($"/tasks/train?jobID={id}"));
        Assert.Equal($$"""{"message":"stopped job {{id}}"}""", await deleted.Content.ReadAsStringAsync());
        var stopped = await StatusAsync(cluster, "train", id, "stopped", job => job.TryGetProperty("end_time", out _));
        Assert.True(stopped.GetProperty("end_time").GetDateTimeOffset() >= stopped.GetProperty("created_time").GetDateTimeOffset());
        Assert.False(stopped.TryGetProperty("worker_counts", out _));
        using var again = await anonymous.DeleteAsync(Relative($"/tasks/train?jobID={id}"));
        Assert.Equal("job.job_is_not_in_progress", (await TestCluster.ErrorAsync(again)).Kind);
    }

    [Fact]
    public async Task Delete_JobThatTakesItsTimeToEnd_IsStoppedAtOnceAndShowsWhatStillEnds()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = cluster.Machine.Behaviour with { StopTakes = TimeSpan.FromHours(1) };
        await cluster.DeployAsync(Api("train"));
        using var posted = await cluster.Client.PostAsync(Relative("/tasks/train"), Json("{}"));
        using var job = JsonDocument.Parse(await posted.Content.ReadAsStringAsync());
        var id = Text(job, "job_id");
        await StatusAsync(cluster, "train", id, "running");

        using var deleted = await cluster.Client.DeleteAsync(Relative($"/tasks/train?jobID={id}"));

        Assert.Equal("stopped", (await GetAsync(cluster, "train", id)).GetProperty("job_status").GetProperty("status").GetString());
        var ending = await StatusAsync(cluster, "train", id, "stopped", status => status.GetProperty("worker_counts").TryGetProperty("terminating", out _));
        Assert.False(ending.TryGetProperty("end_time", out _));
        Assert.Contains("is being ended", ending.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", "/tasks/none", "{}", "resources.api_not_deployed")]
    [InlineData("POST", "/tasks/rt", "{}", "resources.operation_is_only_supported_for_kind")]
    [InlineData("POST", "/tasks/train", "", "error")]
    [InlineData("POST", "/tasks/train", "{\"workers\": 2}", "configreader.invalid_int")]
    [InlineData("POST", "/tasks/train", "{\"timeout\": 0}", "configreader.must_be_greater_than_or_equal_to")]
    [InlineData("POST", "/tasks/train", "{\"config\": 1}", "error")]
    [InlineData("GET", "/tasks/none", null, "endpoints.query_param_required")]
    [InlineData("GET", "/tasks/none?jobID=1", null, "resources.api_not_deployed")]
    [InlineData("GET", "/tasks/rt?jobID=1", null, "resources.operation_is_only_supported_for_kind")]
    [InlineData("GET", "/tasks/train?jobID=1", null, "job.not_found")]
    [InlineData("GET", "/tasks/train?jobID=1&wait=soon", null, "error")]
    [InlineData("DELETE", "/tasks/train", null, "endpoints.query_param_required")]
    [InlineData("DELETE", "/tasks/train?jobID=1", null, "job.not_found")]
    [InlineData("GET", "/logs/train", null, "endpoints.logs_job_id_required")]
    [InlineData("GET", "/logs/train?jobID=1", null, "job.not_found")]
    [InlineData("GET", "/streamlogs/train?jobID=1", null, "job.not_found")]
    public async Task Wrong_IsRefusedAndStartsNothing(string method, string path, string? body, string kind)
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train") + TestCluster.Api("rt", replicas: 0));
        using var request = new HttpRequestMessage(new HttpMethod(method), Relative(path)) { Content = body is null ? null : Json(body) };

        using var response = await cluster.Client.SendAsync(request);

        Assert.Equal(kind, (await TestCluster.ErrorAsync(response)).Kind);
        Assert.Equal(0, cluster.Machine.CreatedCount);
    }

    [Fact]
    public async Task Post_OverTheLimit_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync(new ClusterConfig { Jobs = new JobSettings { MaxSubmissionSize = 2_000_000 } });
        await cluster.DeployAsync(Api("train"));

        using var fits = await cluster.Client.PostAsync(Relative("/tasks/train"), Json("{\"config\": {\"x\": \"" + new string('x', 1_900_000) + "\"}}"));
        using var tooLarge = await cluster.Client.PostAsync(Relative("/tasks/train"), Json("{\"config\": {\"x\": \"" + new string('x', 2_000_000) + "\"}}"));

        Assert.Equal(HttpStatusCode.OK, fits.StatusCode);
        Assert.Contains("max_submission_size", (await TestCluster.ErrorAsync(tooLarge)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failed_ShowsCodeMessageAndLastLines()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { Exit = new FakeExit(TimeSpan.FromMilliseconds(50), 7), Log = ["working", "oops"] };
        await cluster.DeployAsync(Api("train"));

        var failed = await StatusAsync(cluster, "train", await SubmitAsync(cluster, "train"), "worker_error");

        Assert.Equal(7, failed.GetProperty("exit_code").GetInt32());
        Assert.Equal("container main ended with exit code 7", failed.GetProperty("message").GetString());
        Assert.Equal(["working", "oops"], failed.GetProperty("last_log_lines").EnumerateArray().Select(line => line.GetString()));
    }

    [Fact]
    public async Task Get_Wait_AnswersWhenTheJobEnds()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train"));
        var id = await SubmitAsync(cluster, "train");
        await StatusAsync(cluster, "train", id, "running");
        var waiting = cluster.Client.GetStringAsync(Relative($"/tasks/train?jobID={id}&wait=60s"));

        cluster.Machine.End($"train-{id}", "main", 0);

        using var answer = JsonDocument.Parse(await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Equal("succeeded", answer.RootElement.GetProperty("job_status").GetProperty("status").GetString());
        using var soon = JsonDocument.Parse(await cluster.Client.GetStringAsync(Relative($"/tasks/train?jobID={await SubmitAsync(cluster, "train")}&wait=0.05")));
        Assert.NotEqual("succeeded", soon.RootElement.GetProperty("job_status").GetProperty("status").GetString());
    }

    [Fact]
    public async Task Get_Lists_ShowUnfinishedAndLatestJobs()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train"));
        var ids = new List<string>();
        for (var i = 0; i < 12; i++)
        {
            ids.Add(await SubmitAsync(cluster, "train"));
            await StatusAsync(cluster, "train", ids[i], "running");
            cluster.Machine.End($"train-{ids[i]}", "main", i % 2);
            await StatusAsync(cluster, "train", ids[i], i % 2 == 0 ? "succeeded" : "worker_error");
        }

        var one = Ids(await cluster.GetAsync("/get/train"));
        var list = Ids(Assert.Single(await cluster.GetListAsync("/get")));
        Assert.Equal(ids.AsEnumerable().Reverse().Take(10), one);
        Assert.Equal([ids[11]], list);

        ids.Add(await SubmitAsync(cluster, "train"));
        ids.Add(await SubmitAsync(cluster, "train"));
        Assert.Equal([ids[13], ids[12]], Ids(Assert.Single(await cluster.GetListAsync("/get"))));
    }

    [Fact]
    public async Task Restart_JobsGoOnAndEndedOnesAreStillThere()
    {
        var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { Log = ["kept"] };
        await cluster.DeployAsync(Api("train"));
        var ended = await SubmitAsync(cluster, "train");
        await StatusAsync(cluster, "train", ended, "running");
        cluster.Machine.End($"train-{ended}", "main", 0);
        await StatusAsync(cluster, "train", ended, "succeeded");
        var running = await SubmitAsync(cluster, "train");
        await StatusAsync(cluster, "train", running, "running");
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 1, "the ended job's pod is gone");

        await using var next = await cluster.RestartAsync();

        await StatusAsync(next, "train", ended, "succeeded");
        await StatusAsync(next, "train", running, "running");
        next.Machine.End($"train-{running}", "main", 0);
        await StatusAsync(next, "train", running, "succeeded");
        Assert.Equal(2, next.Machine.CreatedCount);
        Assert.Equal("kept\n", await next.Client.GetStringAsync(Relative($"/streamlogs/train?jobID={ended}")));
    }

    [Fact]
    public async Task Delete_Api_StopsItsJobsAndTheReconcilerLeavesThemAlone()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { StopTakes = TimeSpan.FromMilliseconds(300) };
        await cluster.DeployAsync(Api("train") + Api("other"));
        var id = await SubmitAsync(cluster, "train");
        var other = await SubmitAsync(cluster, "other");
        await StatusAsync(cluster, "train", id, "running");
        await StatusAsync(cluster, "other", other, "running");

        using var deleted = await cluster.Client.DeleteAsync(Relative("/delete/train"));

        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        await Eventually.TrueAsync(() => cluster.Runtime.List().Select(pod => pod.Id).SequenceEqual([$"other-{other}"]), "only the other API's job runs");
        await cluster.DeployAsync(Api("train"));
        Assert.Null((await cluster.GetAsync("/get/train")).TaskJobStatuses);
        Assert.Empty(cluster.DataPlane.Drained);
    }

    [Fact]
    public async Task Delete_ApiKeepCache_KeepsItsJobs()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train"));
        var id = await SubmitAsync(cluster, "train");
        await StatusAsync(cluster, "train", id, "running");

        using var deleted = await cluster.Client.DeleteAsync(Relative("/delete/train?keepCache=true"));
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "its pod is gone");
        await cluster.DeployAsync(Api("train"));

        Assert.Equal("its API was deleted", (await StatusAsync(cluster, "train", id, "stopped", job => job.TryGetProperty("end_time", out _))).GetProperty("message").GetString());
    }

    [Fact]
    public async Task Redeploy_RunningJobShowsItsOwnSpecification()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train"));
        var id = await SubmitAsync(cluster, "train");
        await StatusAsync(cluster, "train", id, "running");

        await cluster.DeployAsync(Api("train", "app:2"));

        var answer = await GetAsync(cluster, "train", id);
        Assert.Equal("app:1", answer.GetProperty("api_spec").GetProperty("pod").GetProperty("containers")[0].GetProperty("image").GetString());
        Assert.Equal("running", answer.GetProperty("job_status").GetProperty("status").GetString());
        Assert.Equal(1, cluster.Machine.CreatedCount);
    }

    [Fact]
    public async Task Logs_OfAJob_ComeFromItsPodAndLaterFromWhatWasKept()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Machine.Behaviour = new FakeBehaviour { Log = ["first", "{\"message\":\"second\"}"] };
        await cluster.DeployAsync(Api("train"));
        var id = await SubmitAsync(cluster, "train");
        await StatusAsync(cluster, "train", id, "running");
        var live = cluster.Client.GetStringAsync(Relative($"/streamlogs/train?jobID={id}&allPods=true"));
        Assert.Equal("first\nsecond\n", await cluster.Client.GetStringAsync(Relative($"/streamlogs/train?jobID={id}&follow=false")));

        cluster.Machine.End($"train-{id}", "main", 0);

        Assert.Equal($"train-{id}/main first\ntrain-{id}/main second\n", await live.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await Eventually.TrueAsync(() => cluster.Runtime.List().Count == 0, "its pod is gone");
        Assert.Equal("first\nsecond\n", await cluster.Client.GetStringAsync(Relative($"/streamlogs/train?jobID={id}")));
        Assert.Equal("second\n", await cluster.Client.GetStringAsync(Relative($"/streamlogs/train?jobID={id}&tail=1")));
        using var link = JsonDocument.Parse(await cluster.Client.GetStringAsync(Relative($"/logs/train?jobID={id}")));
        Assert.EndsWith($"/streamlogs/train?allPods=true&jobID={id}", Text(link, "log_url"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoint_OnTheGateway_TakesTheSameRequests()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train"));
        var route = Assert.Single(cluster.DataPlane.Routes.Jobs);
        Assert.Equal(("train", "TaskAPI", "/train"), (route.Name, route.Kind, route.Endpoint));

        var (status, posted) = await CallAsync(cluster, route, "POST", "/train", "", "{\"config\": {\"k\": 1}}");
        Assert.Equal(200, status);
        var id = JsonDocument.Parse(posted).RootElement.GetProperty("job_id").GetString()!;
        await StatusAsync(cluster, "train", id, "running");
        var (shown, got) = await CallAsync(cluster, route, "GET", "/train/", $"?jobID={id}");
        Assert.Equal((200, "running"), (shown, JsonDocument.Parse(got).RootElement.GetProperty("job_status").GetProperty("status").GetString()));
        Assert.Equal(400, (await CallAsync(cluster, route, "GET", "/train", "")).Status);
        Assert.Equal(404, (await CallAsync(cluster, route, "GET", "/train/more", $"?jobID={id}")).Status);
        Assert.Equal(405, (await CallAsync(cluster, route, "PUT", "/train", "")).Status);
        Assert.Equal((200, $$"""{"message":"stopped job {{id}}"}"""), await CallAsync(cluster, route, "DELETE", "/train", $"?jobID={id}"));
    }

    [Fact]
    public async Task Schedule_IsShownWithItsNextRunAndGoesWithItsApi()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train") + "  schedule: {cron: '0 3 * * *', time_zone: Europe/Berlin, job: {timeout: 60}}\n" + Api("other"));

        foreach (var path in new[] { "/get", "/get/train" })
        {
            var schedule = (await cluster.GetListAsync(path)).Single(api => api.Metadata!.Name == "train").Schedule!;
            Assert.Equal(("0 3 * * *", "Europe/Berlin", null, null), (schedule.Cron, schedule.TimeZone, schedule.LastRun, schedule.Message));
            var next = DateTimeOffset.Parse(schedule.NextRunTime!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal(3, TimeZoneInfo.ConvertTimeBySystemTimeZoneId(next, "Europe/Berlin").Hour);
            Assert.InRange(next, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddHours(26));
        }

        Assert.Null((await cluster.GetAsync("/get/other")).Schedule);
        await cluster.DeployAsync(Api("train"));
        Assert.Null((await cluster.GetAsync("/get/train")).Schedule);
        Assert.Equal(0, cluster.Machine.CreatedCount);
    }

    [Fact]
    public async Task Schedule_Wrong_IsRefusedWithItsPlace()
    {
        await using var cluster = await TestCluster.StartAsync();

        using var response = await cluster.PostConfigAsync(Api("train") + "  schedule: {cron: '0 25 * * *', time_zone: Mars}\n");

        var error = await TestCluster.ErrorAsync(response);
        Assert.Equal(["schedule.cron", "schedule.time_zone"], error.Errors!.Select(each => each.Path));
        Assert.Equal(["spec.invalid_schedule", "spec.invalid_time_zone"], error.Errors!.Select(each => each.Kind));
    }

    [Fact]
    public async Task Metrics_CountEndedJobs()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.DeployAsync(Api("train"));
        foreach (var code in new[] { 0, 0, 1 })
        {
            var id = await SubmitAsync(cluster, "train");
            await StatusAsync(cluster, "train", id, "running");
            cluster.Machine.End($"train-{id}", "main", code);
            await StatusAsync(cluster, "train", id, code == 0 ? "succeeded" : "worker_error");
        }

        var text = await cluster.Client.GetStringAsync(Relative("/metrics"));

        Assert.Contains("cortex_task_succeeded{api_name=\"train\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("cortex_task_failed{api_name=\"train\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("cortex_time_per_task_count{api_name=\"train\"} 2\n", text, StringComparison.Ordinal);
    }

    private static string Api(string name, string image = "app:1") => $$"""
        - name: {{name}}
          kind: TaskAPI
          pod:
            containers:
            - name: main
              image: {{image}}
              command: [run]
              compute: {cpu: 20m}

        """;

    private static async Task<string> SubmitAsync(TestCluster cluster, string api)
    {
        using var response = await cluster.Client.PostAsync(Relative($"/tasks/{api}"), Json("{}"));
        using var job = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return Text(job, "job_id");
    }

    private static async Task<JsonElement> GetAsync(TestCluster cluster, string api, string id)
    {
        using var answer = JsonDocument.Parse(await cluster.Client.GetStringAsync(Relative($"/tasks/{api}?jobID={id}")));
        return answer.RootElement.Clone();
    }

    private static async Task<JsonElement> StatusAsync(TestCluster cluster, string api, string id, string status, Func<JsonElement, bool>? also = null)
    {
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(30);
        while (true)
        {
            var job = (await GetAsync(cluster, api, id)).GetProperty("job_status");
            if (job.GetProperty("status").GetString() == status && also?.Invoke(job) != false)
            {
                return job;
            }

            Assert.True(DateTime.UtcNow < deadline, $"not {status}: {job}");
            await Task.Delay(5);
        }
    }

    private static async Task<(int Status, string Body)> CallAsync(TestCluster cluster, JobRoute route, string method, string path, string query, string body = "")
    {
        var http = new DefaultHttpContext();
        http.Request.Method = method;
        http.Request.Path = path;
        http.Request.QueryString = new QueryString(query);
        http.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        using var answer = new MemoryStream();
        http.Response.Body = answer;
        await cluster.HandlerOf(route).HandleAsync(http, path + query, route.Endpoint.Length, path.Length);
        return (http.Response.StatusCode, Encoding.UTF8.GetString(answer.ToArray()));
    }

    private static IEnumerable<string> Ids(Core.Wire.ApiResponse api) => api.TaskJobStatuses!.Select(job => job.GetProperty("job_id").GetString()!);

    private static string Text(JsonDocument json, string key) => json.RootElement.GetProperty(key).GetString()!;

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static Uri Relative(string path) => new(path, UriKind.Relative);
}
