using System.Text.Json;
using Cortex.Cli.Tests.Support;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using YamlDotNet.RepresentationModel;

namespace Cortex.Cli.Tests.Commands;

public sealed class GetCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    private void Answer(string path, params ApiResponse[] apis) => _cli.Operator.On<IReadOnlyList<ApiResponse>>($"GET {path}", apis, WireJson.Contract.IReadOnlyListApiResponse);

    private static ApiResponse Batch(params string[] jobs) => Apis.Listed("batch", ApiKind.BatchAPI) with { BatchJobStatuses = [.. jobs.Select(job => JsonDocument.Parse(job).RootElement)] };

    [Fact]
    public async Task List_AllKinds_HasASectionEachInOrder()
    {
        _cli.Configure("prod");
        Answer("/get",
            Apis.Listed("zebra", ready: 1, requested: 2, upToDate: 2), Apis.Listed("ant", age: 5), Apis.Listed("split", ApiKind.TrafficSplitter), Apis.Listed("queue", ApiKind.AsyncAPI),
            Apis.Listed("task", ApiKind.TaskAPI),
            Batch("""{"job_id":"j1","status":"succeeded","start_time":"2026-03-04T14:00:00Z"}""", """{"job_id":"j2","status":"running","start_time":"2026-03-04T15:03:05.5Z"}"""));

        var result = await _cli.RunAsync("get");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal("""
            env    batch api   running jobs   latest job id            last update
            prod   batch       1              j2 (submitted 59s ago)   1m2s

            env    task api   running jobs   latest job id   last update
            prod   task       0              -               1m2s

            env    realtime api   live   up-to-date   last update
            prod   ant            1/1    1            5s
            prod   zebra          1/2    2            1m2s

            env    async api   live   up-to-date   queued   in progress   last update
            prod   queue       1/1    1            -        -             1m2s

            env    traffic splitter   apis   last update
            prod   split              2      1m2s

            """, result.Out);
    }

    [Fact]
    public async Task List_OneEnvironment_HidesItsColumn()
    {
        _cli.Configure("prod", "dev");
        Answer("/get", Apis.Listed("hello"));

        var result = await _cli.RunAsync("get", "-e", "dev");

        Assert.Equal("realtime api   live   up-to-date   last update\nhello          1/1    1            1m2s\n", result.Out);
        Assert.Equal("dev.test", Assert.Single(_cli.Operator.Requests).Uri.Host);
    }

    [Fact]
    public async Task List_Nothing_SaysSo()
    {
        _cli.Configure("prod");
        Answer("/get");

        Assert.Equal("no apis are deployed\n", (await _cli.RunAsync("get")).Out);
        Assert.Equal("no apis are deployed\n", (await _cli.RunAsync("get", "-e", "prod")).Out);
    }

    [Fact]
    public async Task List_OnATerminal_IsBold()
    {
        _cli.Configure("prod");
        _cli.OutputIsTerminal = true;
        Answer("/get");

        Assert.Equal("\e[1mno apis are deployed\e[0m\n", (await _cli.RunAsync("get")).Out);
        _cli.SetVariable("NO_COLOR", "1");
        Assert.Equal("no apis are deployed\n", (await _cli.RunAsync("get")).Out);
    }

    [Fact]
    public async Task List_NoEnvironment_Fails()
    {
        var result = await _cli.RunAsync("get");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: no environments are configured", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_JsonEverywhere_HasAnEntryPerEnvironment()
    {
        _cli.Configure("prod");
        Answer("/get", Apis.Listed("hello"));

        var result = await _cli.RunAsync("get", "-o", "json");

        Assert.Equal($$$"""[{"env_name":"prod","apis":[{"metadata":{"name":"hello","kind":"RealtimeAPI","id":"hello-id","deployment_id":"abc","last_updated":{{{Apis.Now - 62}}}},"status":{"ready":1,"requested":1,"up_to_date":1}}],"error":""}]""" + "\n", result.Out);
    }

    [Fact]
    public async Task List_JsonOfOne_IsTheOperatorsArray()
    {
        _cli.Configure("prod");
        Answer("/get", Batch("""{"job_id":"j1","status":"succeeded","workers":3}"""));

        var result = await _cli.RunAsync("get", "-e", "prod", "-o", "json");

        Assert.Equal($$$"""[{"metadata":{"name":"batch","kind":"BatchAPI","id":"batch-id","deployment_id":"abc","last_updated":{{{Apis.Now - 62}}}},"batch_job_statuses":[{"job_id":"j1","status":"succeeded","workers":3}]}]""" + "\n", result.Out);
    }

    [Fact]
    public async Task List_Yaml_IsTheSameData()
    {
        _cli.Configure("prod");
        Answer("/get", Apis.Listed("hello"));

        var result = await _cli.RunAsync("get", "-e", "prod", "-o", "yaml");

        Assert.Equal($"- metadata:\n    name: hello\n    kind: RealtimeAPI\n    id: hello-id\n    deployment_id: abc\n    last_updated: {Apis.Now - 62}\n  status:\n    ready: 1\n    requested: 1\n    up_to_date: 1\n", result.Out);
    }

    [Fact]
    public async Task List_AllUnreachable_FailsWithTheFirstError()
    {
        _cli.Configure("prod", "dev");
        _cli.RefuseConnections();

        var result = await _cli.RunAsync("get");

        Assert.Equal((1, ""), (result.ExitCode, result.Out));
        Assert.StartsWith("error: failed to connect to the operator of the prod environment", result.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await _cli.RunAsync("get", "-o", "json")).ExitCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task List_OneUnreachable_TellsWhich(bool found)
    {
        _cli.Configure("prod", "dev");
        Answer("/get", found ? [Apis.Listed("hello")] : []);
        using var gone = new FakeOperator { Unreachable = new IOException("no route") };
        _cli.Transport = address => address.Host == "dev.test" ? gone : _cli.Operator;

        var result = await _cli.RunAsync("get");

        if (found)
        {
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            Assert.EndsWith("\n\nunable to detect apis from the dev environment; run `cortex get --env dev` if this is unexpected\n", result.Out, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal((1, "no apis are deployed in environment(s): prod\n"), (result.ExitCode, result.Out));
            Assert.StartsWith("error: failed to connect to the operator of the dev environment", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Api_Realtime_HasTableAddressesAndHistory()
    {
        _cli.Configure("prod");
        Answer("/get/hello", Apis.Detailed("hello"));

        var result = await _cli.RunAsync("get", "hello");

        Assert.Equal("""
            env    realtime api   live   up-to-date   last update
            prod   hello          1/1    1            1m2s

            metrics dashboard: http://127.0.0.1:8888/dashboard?var-api_name=hello

            endpoint: http://127.0.0.1:8889/hello

            api id   last deployed
            newer    1m2s
            older    25h0m

            """, result.Out);
    }

    [Fact]
    public async Task Api_WithASchedule_ShowsItsLastAndNextRun()
    {
        _cli.Configure("prod");
        var api = Apis.Detailed("train", ApiKind.TaskAPI) with
        {
            DashboardUrl = null,
            Schedule = new ScheduleStatus
            {
                Cron = "0 3 * * *",
                TimeZone = "Europe/Berlin",
                NextRunTime = "2026-03-05T02:00:00Z",
                LastRun = new ScheduleRunStatus { ScheduledTime = "2026-03-04T02:00:00Z", JobId = "j1", Status = "worker_oom" },
            },
        };
        Answer("/get/train", api);

        Assert.Contains("""

            schedule: 0 3 * * * (Europe/Berlin)
            last run: 04 Mar 26 02:00:00 UTC, job j1 (out of memory)
            next run: 05 Mar 26 02:00:00 UTC (in 10h55m)

            endpoint:
            """, (await _cli.RunAsync("get", "train")).Out, StringComparison.Ordinal);

        Answer("/get/train", api with
        {
            Schedule = api.Schedule with
            {
                NextRunTime = null,
                LastRun = new ScheduleRunStatus { ScheduledTime = "2026-03-04T02:00:00Z", Message = "was skipped, as job j0 had not ended" },
                Message = "there are no runs",
            },
        });
        Assert.Contains("""
            last run: 04 Mar 26 02:00:00 UTC, was skipped, as job j0 had not ended
            next run: -
            message:  there are no runs

            """, (await _cli.RunAsync("get", "train")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Api_Verbose_AddsItsConfiguration()
    {
        _cli.Configure("prod");
        Answer("/get/hello", Apis.Detailed("hello"));

        var result = await _cli.RunAsync("get", "hello", "-v");

        var dump = result.Out[(result.Out.IndexOf("\nconfiguration\n", StringComparison.Ordinal) + 15)..];
        Assert.Equal("""
            name: hello
            kind: RealtimeAPI
            pod:
              port: 8080
              max_concurrency: 1
              max_queue_length: 100
              containers:
                - name: api
                  image: example/hello:1
                  env:
                    GREETING: "yes"
                    WHO: world
                  command: ["/bin/serve", "--port=8080"]
                  args: null
                  readiness_probe:
                    http_get:
                      path: /ready
                      port: 8080
                    initial_delay_seconds: 0
                    timeout_seconds: 1
                    period_seconds: 10
                    success_threshold: 1
                    failure_threshold: 3
                  pre_stop:
                    exec:
                      command: ["sleep", "1"]
                  compute:
                    cpu: 200m
                    mem: 512Mi
                    gpu: 1
                    shm: null  # not configured
            networking:
              endpoint: /hello
            autoscaling:
              min_replicas: 1
              max_replicas: 100
              init_replicas: 1
              target_in_flight: 1.0
              window: 1m0s
              downscale_stabilization_period: 5m0s
              upscale_stabilization_period: 1m0s
              max_downscale_factor: 0.75
              max_upscale_factor: 1.5
              downscale_tolerance: 0.05
              upscale_tolerance: 0.05
            node_groups: null
            update_strategy:
              max_surge: 25%
              max_unavailable: 25%

            """, dump);
        var yaml = new YamlStream();
        yaml.Load(new StringReader(dump));
        Assert.Equal("yes", (string?)yaml.Documents[0].RootNode["pod"]["containers"][0]["env"]["GREETING"]);
    }

    [Fact]
    public async Task Api_Splitter_ShowsItsTargets()
    {
        _cli.Configure("prod");
        Answer("/get/split", Apis.Detailed("split", ApiKind.TrafficSplitter));
        Answer("/get/a", Apis.Detailed("a"));
        Answer("/get/b", Apis.Detailed("b"));

        var result = await _cli.RunAsync("get", "split", "-v");

        Assert.StartsWith("""
            env    apis         weights   live   up-to-date   last update
            prod   a            80        1/1    1            1m2s
            prod   b (shadow)   20        1/1    1            1m2s

            last updated: 1m2s
            endpoint: http://127.0.0.1:8889/split

            api id   last deployed
            """, result.Out, StringComparison.Ordinal);
        Assert.EndsWith("\nconfiguration\nname: split\nkind: TrafficSplitter\napis:\n  - name: a\n    weight: 80\n    shadow: false\n  - name: b\n    weight: 20\n    shadow: true\nnetworking:\n  endpoint: /split\n", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Api_Batch_ShowsItsJobs()
    {
        _cli.Configure("prod");
        Answer("/get/batch", Apis.Detailed("batch", ApiKind.BatchAPI) with
        {
            BatchJobStatuses = [JsonDocument.Parse("""{"job_id":"j1","status":"worker_oom","total_batch_count":12,"start_time":"2026-03-04T14:00:00Z","end_time":"2026-03-04T15:01:02.9Z"}""").RootElement],
        });

        var result = await _cli.RunAsync("get", "batch");

        Assert.StartsWith("job id   status          total batches   start time               duration\nj1       out of memory   12              04 Mar 26 14:00:00 UTC   1h1m2s\n\nmetrics dashboard: ", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Api_TaskWithoutJobs_SaysSo()
    {
        _cli.Configure("prod");
        Answer("/get/task", Apis.Detailed("task", ApiKind.TaskAPI));

        Assert.StartsWith("no submitted task jobs\n\nmetrics dashboard", (await _cli.RunAsync("get", "task")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Api_Json_IsAListOfOne()
    {
        _cli.Configure("prod");
        Answer("/get/hello", Apis.Detailed("hello"));

        var result = await _cli.RunAsync("get", "hello", "-o", "json");

        using var json = JsonDocument.Parse(result.Out);
        Assert.Equal("example/hello:1", json.RootElement[0].GetProperty("spec").GetProperty("pod").GetProperty("containers")[0].GetProperty("image").GetString());
        Assert.Equal(1, json.RootElement.GetArrayLength());
    }

    [Fact]
    public async Task Job_Running_ShowsStatsAndWorkers()
    {
        _cli.Configure("prod");
        Answer("/get/batch", Apis.Detailed("batch", ApiKind.BatchAPI));
        _cli.Operator.On("GET /batch/batch", () => """
            {"api_spec":null,"job_status":{"job_id":"j1","workers":3,"status":"running","start_time":"2026-03-04T15:00:00Z","total_batch_count":9,"worker_counts":{"ready":2,"failed":1}},"metrics":{"succeeded":4,"failed":1,"average_time_per_batch":1.23456},"endpoint":"http://x/batch?jobID=j1"}
            """);

        var result = await _cli.RunAsync("get", "batch", "j1");

        Assert.StartsWith("""
            job id: j1
            status: running

            start time: 04 Mar 26 15:00:00 UTC
            end time:   -
            duration:   4m5s

            batch stats
            total   succeeded   failed attempts   avg time per batch
            9       4           1                 1.234s

            worker stats
            Requested   Pending   Creating   Ready   NotReady   Failed   Succeeded
            3           0         0          2       0          1        0

            job endpoint: http://x/batch?jobID=j1

            job configuration
            {
              "job_id": "j1",
            """, result.Out, StringComparison.Ordinal);
        Assert.Equal("GET /batch/batch?jobID=j1", _cli.Operator.Requests[^1].Line);
    }

    [Theory]
    [InlineData("succeeded", "worker stats are not available because this job is not currently running\n")]
    [InlineData("enqueuing", "still enqueuing, workers have not been allocated for this job yet\n")]
    [InlineData("running", "unable to get worker stats\n")]
    public async Task Job_WithoutWorkers_SaysWhy(string status, string expected)
    {
        _cli.Configure("prod");
        Answer("/get/batch", Apis.Detailed("batch", ApiKind.BatchAPI));
        _cli.Operator.On("GET /batch/batch", () => $$"""{"job_status":{"job_id":"j1","status":"{{status}}"},"endpoint":"e"}""");

        Assert.Contains(expected, (await _cli.RunAsync("get", "batch", "j1")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_NoTerminal_IsRefused()
    {
        _cli.Configure("prod");

        var result = await _cli.RunAsync("get", "-w");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: --watch needs a terminal", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_UntilInterrupted_RefreshesInPlaceEveryTwoSeconds()
    {
        _cli.Configure("prod");
        _cli.OutputIsTerminal = true;
        _cli.SetVariable("NO_COLOR", "1");
        using var interrupt = new CancellationTokenSource();
        var looks = 0;
        _cli.Operator.On("GET /get", () =>
        {
            if (++looks == 3)
            {
                interrupt.Cancel();
            }

            return "[]";
        });

        var result = await _cli.RunAsync(interrupt.Token, "get", "-w");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        const string header = "$ cortex get                                   3:04:05pm UTC\e[K\n\e[K\nno apis are deployed\e[K\n\e[J";
        Assert.StartsWith("\e[2J\e[H" + header + "\e[H", result.Out, StringComparison.Ordinal);
        Assert.Contains("3:04:07pm UTC", result.Out, StringComparison.Ordinal);
        Assert.Equal(1, result.Out.Split("\e[2J").Length - 1);
    }

    [Fact]
    public async Task Watch_OperatorGoesAway_ExitsWithOne()
    {
        _cli.Configure("prod");
        _cli.OutputIsTerminal = true;
        _cli.Operator.On("GET /get", () =>
        {
            _cli.RefuseConnections();
            return "[]";
        });

        Assert.Equal(1, (await _cli.RunAsync("get", "--watch")).ExitCode);
    }
}
