using System.Diagnostics;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

/// <summary>Task jobs in real containers: every status, and what must hold when something dies in the middle.</summary>
public sealed class TaskJobTests() : TaskApis(new LocalCluster())
{
    [Fact]
    public async Task Succeeds_SharesMntSeesItsSpecificationAndKeepsItsLogs()
    {
        await DeployAsync("train", Container("writer", "cat /cortex/spec/job.json; echo $CORTEX_CLI_CONFIG_DIR; while ! cat /mnt/answer 2>/dev/null; do sleep 0.05; done"), Container("other", "echo from the other >/mnt/answer"));
        using var posted = await Cluster.Http.PostAsync(new Uri(Cluster.Apis, "/train"), Json("""{"config": {"rate": 0.1, "nested": {"list": [1, {"a": null}]}}}"""));
        using var job = JsonDocument.Parse(await posted.Content.ReadAsStringAsync());
        var id = job.RootElement.GetProperty("job_id").GetString()!;

        var ended = await EndAsync("train", id, "succeeded");

        Assert.Equal(0, ended.GetProperty("exit_code").GetInt32());
        Assert.True(ended.GetProperty("end_time").GetDateTimeOffset() > ended.GetProperty("process_start_time").GetDateTimeOffset());
        await GoneAsync();
        var logs = await Cluster.Cli.OkAsync("logs", "train", id, "--no-follow", "--random-pod");
        Assert.EndsWith("}/cortex/client\nfrom the other\n", logs, StringComparison.Ordinal);
        using var file = JsonDocument.Parse(logs[logs.IndexOf('{', StringComparison.Ordinal)..(logs.LastIndexOf('}') + 1)]);
        foreach (var property in job.RootElement.EnumerateObject())
        {
            Assert.True(JsonElement.DeepEquals(property.Value, file.RootElement.GetProperty(property.Name)), property.Name);
        }
    }

    [Fact]
    public async Task Fails_OneContainerEndsTheOthers_ShowsCodeReasonAndLastLines()
    {
        await DeployAsync("train", Container("bad", "echo working; sleep 0.3; echo oops; exit 7"), Container("good", "trap 'exit 0' TERM; while :; do sleep 0.1; done"));
        var watch = Stopwatch.StartNew();

        var result = await Cluster.Cli.RunAsync("job", "submit", "train", "--wait");

        Assert.Equal(7, result.ExitCode);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(25), $"ended after {watch.Elapsed}, as if the other container had been waited for");
        var id = result.Output.Split(' ')[2];
        var failed = await EndAsync("train", id, "worker_error");
        Assert.Equal((7, "container bad ended with exit code 7"), (failed.GetProperty("exit_code").GetInt32(), failed.GetProperty("message").GetString()));
        var shown = await Cluster.Cli.OkAsync("get", "train", id);
        Assert.Contains("exit code: 7", shown, StringComparison.Ordinal);
        Assert.Contains("last log lines\nworking\noops\n", shown, StringComparison.Ordinal);
        await GoneAsync();
    }

    [Fact]
    public async Task OutOfMemory_IsWorkerOom()
    {
        await DeployAsync("train", Container("hungry", "tail -c 1000000000 /dev/zero", mem: "20Mi"));

        var ended = await EndAsync("train", await SubmitAsync("train"), "worker_oom");

        Assert.Equal(137, ended.GetProperty("exit_code").GetInt32());
    }

    [Fact]
    public async Task TimeIsUp_EndsItWithinASecond()
    {
        await DeployAsync("train", Container("slow", "trap 'echo told; exit 0' TERM; while :; do sleep 0.1; done"));
        var id = await SubmitAsync("train", """{"timeout": 10}""");   // from submission on: its container has to have begun by then

        var ended = await EndAsync("train", id, "timed_out");

        var took = ended.GetProperty("end_time").GetDateTimeOffset() - ended.GetProperty("created_time").GetDateTimeOffset();
        Assert.InRange(took.TotalSeconds, 10, 13);
        Assert.Equal(["told"], ended.GetProperty("last_log_lines").EnumerateArray().Select(line => line.GetString()));
        Assert.Contains("told\n", await Cluster.Cli.OkAsync("logs", "train", id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopped_GetsSigtermAndKeepsWhatItWroteThen()
    {
        await DeployAsync("train", Container("slow", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.1; done"));
        var id = await SubmitAsync("train");
        await StatusAsync("train", id, "running");
        await Eventually.TrueAsync(async () => (await Cluster.Cli.OkAsync("logs", "train", id, "--no-follow")).Contains("up", StringComparison.Ordinal), "it is up");

        Assert.Contains($"stopped job {id}", await Cluster.Cli.OkAsync("delete", "train", id), StringComparison.Ordinal);

        await EndAsync("train", id, "stopped");
        await GoneAsync();
        Assert.Contains("bye", await Cluster.Cli.OkAsync("logs", "train", id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CantStart_SaysWhy()
    {
        await DeployAsync("nocommand", Container("main", "", command: "[/no/such/program]"));
        await Cluster.Cli.OkAsync("deploy", Cluster.Write("""
            - name: noimage
              kind: TaskAPI
              pod:
                containers:
                - {name: main, image: "127.0.0.1:1/none:1", command: [run], compute: {cpu: 20m}}

            """));

        var crashed = await EndAsync("nocommand", await SubmitAsync("nocommand"), "worker_error");
        Assert.Contains("was not found", crashed.GetProperty("message").GetString(), StringComparison.Ordinal);

        var noImage = await SubmitAsync("noimage", """{"timeout": 8}""");
        await Eventually.TrueAsync(async () => (await JobAsync("noimage", noImage)) is var job && job.TryGetProperty("message", out var message)
            && message.GetString()!.Contains("127.0.0.1:1", StringComparison.Ordinal) && job.GetProperty("status").GetString() == "pending", "it says that it has no image");
        var timedOut = await EndAsync("noimage", noImage, "timed_out");
        Assert.Contains("could not start", timedOut.GetProperty("message").GetString(), StringComparison.Ordinal);
        await GoneAsync();
    }

    [Fact]
    public async Task LivenessProbe_EndsAJobAsFailedHoweverPolitely()
    {
        await DeployAsync("train", Container("stuck", "trap 'exit 0' TERM; while :; do sleep 0.1; done", more: "liveness_probe: {exec: {command: [/bin/no]}, period_seconds: 1, failure_threshold: 1}"));

        Assert.Contains("liveness", (await EndAsync("train", await SubmitAsync("train"), "worker_error")).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retried_UntilItSucceeds()
    {
        await DeployAsync("train", """
            jobs: {max_attempts: 3}
            """, Container("flaky", "echo attempt; exit 5"));
        var failed = await EndAsync("train", await SubmitAsync("train"), "worker_error");
        Assert.Equal((3, 5), (failed.GetProperty("attempt").GetInt32(), failed.GetProperty("exit_code").GetInt32()));
        await GoneAsync();
        Assert.Equal(3, (await Cluster.Cli.OkAsync("logs", "train", failed.GetProperty("job_id").GetString()!)).Split("attempt\n").Length - 1);
    }

    [Fact]
    public async Task Cap_OneAtATime_RunsThemInOrder()
    {
        await DeployAsync("train", """
            jobs: {max_concurrent: 1}
            """, Container("main", "sleep 0.5"));
        var ids = new[] { await SubmitAsync("train"), await SubmitAsync("train"), await SubmitAsync("train") };

        var jobs = new List<JsonElement>();
        foreach (var id in ids)
        {
            jobs.Add(await EndAsync("train", id, "succeeded"));
        }

        for (var i = 1; i < jobs.Count; i++)
        {
            Assert.True(jobs[i].GetProperty("process_start_time").GetDateTimeOffset() >= jobs[i - 1].GetProperty("end_time").GetDateTimeOffset());
        }
    }

    [Fact]
    public async Task Priority_TheHigherOneStartsFirst()
    {
        await DeployAsync("train", """
            jobs: {max_concurrent: 1, priority: 2}
            """, Container("main", "sleep 0.5"));
        await SubmitAsync("train");
        var ids = new[] { await SubmitAsync("train", """{"priority": 0}"""), await SubmitAsync("train"), await SubmitAsync("train", """{"priority": 9}""") };

        var begun = new List<DateTimeOffset>();
        foreach (var id in ids)
        {
            begun.Add((await EndAsync("train", id, "succeeded")).GetProperty("process_start_time").GetDateTimeOffset());
        }

        Assert.True(begun[2] < begun[1] && begun[1] < begun[0], string.Join(", ", begun));
    }

    [Fact]
    public async Task Wrong_IsRefusedAndStartsNothing()
    {
        await DeployAsync("train", Container("main", "echo ran"));
        foreach (var body in new[]
        {
            "", "{", "[]", "null", "{} {}", """{"workers": 2}""", """{"workers": 0}""", """{"workers": 1.0}""", """{"timeout": 0}""", """{"timeout": -1}""", """{"timeout": "5"}""", """{"config": []}""",
            """{"config": "x"}""", """{"priority": 10}""", """{"priority": -1}""",
        })
        {
            foreach (var url in new[] { new Uri(Cluster.Apis, "/train"), new Uri($"http://127.0.0.1:{Cluster.OperatorPort}/tasks/train") })
            {
                using var response = await Cluster.Http.PostAsync(url, Json(body));

                Assert.True(response.StatusCode == System.Net.HttpStatusCode.BadRequest, $"{body} at {url}: {response.StatusCode}");
                using var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
                Assert.NotEqual("", error.RootElement.GetProperty("message").GetString());
            }
        }

        Assert.False((await Cluster.GetAsync("get", "train")).TryGetProperty("task_job_statuses", out _));
        Assert.Empty(await Cluster.ReplicaContainersAsync());
    }

    [Fact]
    public async Task Redeployed_WhileJobsAreSubmitted_EachRunsTheVersionThatItShows()
    {
        await DeployAsync("train", Container("main", "echo version 0"));
        var deploying = Task.Run(async () =>
        {
            for (var version = 1; version <= 6; version++)
            {
                await DeployAsync("train", Container("main", $"echo version {version}"));
            }
        });
        var ids = new List<string>();
        while (!deploying.IsCompleted && ids.Count < 30)
        {
            ids.Add(await SubmitAsync("train"));
            await Task.Delay(200);
        }

        await deploying;
        ids.Add(await SubmitAsync("train"));

        var versions = new HashSet<string>();
        foreach (var id in ids)
        {
            await EndAsync("train", id, "succeeded");
            using var answer = JsonDocument.Parse(await Cluster.Http.GetStringAsync(new Uri($"http://127.0.0.1:{Cluster.OperatorPort}/tasks/train?jobID={id}")));
            var script = answer.RootElement.GetProperty("api_spec").GetProperty("pod").GetProperty("containers")[0].GetProperty("command")[2].GetString()!;
            Assert.Equal($"{script["echo ".Length..]}\n", await Cluster.Cli.OkAsync("logs", "train", id, "--no-follow", "--random-pod"));
            versions.Add(script);
        }

        Assert.Contains("echo version 6", versions);
        Assert.True(versions.Count > 1, "every job ran the same version");
    }

    [Fact]
    public async Task ApiDeleted_EndsWhatRunsAndStartsNothingOfWhatWaits()
    {
        await DeployAsync("train", """
            jobs: {max_concurrent: 2}
            """, Container("main", "trap 'exit 0' TERM; while :; do sleep 0.1; done"));
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await SubmitAsync("train"));
        }

        await StatusAsync("train", ids[0], "running");
        await StatusAsync("train", ids[1], "running");
        Assert.Contains("max_concurrent", (await JobAsync("train", ids[2])).GetProperty("message").GetString(), StringComparison.Ordinal);
        var since = DateTimeOffset.UtcNow;

        await Cluster.Cli.OkAsync("delete", "train", "-f");

        await GoneAsync();
        Assert.Empty(await StartedAsync(since, DateTimeOffset.UtcNow));
        await DeployAsync("train", Container("main", "echo new"));
        Assert.False((await Cluster.GetAsync("get", "train")).TryGetProperty("task_job_statuses", out _));
    }

    [Fact]
    public async Task ServerKilled_AtAnyMoment_EveryJobRunsOnceAndEndsAsItDid()
    {
        await DeployAsync("quick", Container("main", "echo once; sleep 0.4; exit 0"));
        await DeployAsync("fails", Container("main", "echo once; sleep 0.4; exit 9"));
        await DeployAsync("long", Container("main", "echo once; sleep 1000"));
        var random = new Random(20261121);
        var submitted = new List<(string Api, string Id)>();
        for (var round = 0; round < 5; round++)
        {
            foreach (var api in new[] { "quick", "fails", "long" })
            {
                submitted.Add((api, await SubmitAsync(api, api == "long" ? """{"timeout": 60}""" : "{}")));
            }

            await Task.Delay(random.Next(1200));
            if (round == 2)
            {
                await Cluster.Cli.OkAsync("delete", "long", submitted[2].Id);
            }

            await KillServerAsync();
            await Task.Delay(random.Next(600));
            await Cluster.Cli.OkAsync("cluster", "up", Cluster.ConfigFile);
        }

        foreach (var (api, id) in submitted)
        {
            var expected = api == "quick" ? "succeeded" : api == "fails" ? "worker_error" : id == submitted[2].Id ? "stopped" : "timed_out";
            var ended = await EndAsync(api, id, expected, TimeSpan.FromSeconds(180));
            if (api == "long")
            {
                continue;
            }

            Assert.Equal(api == "quick" ? 0 : 9, ended.GetProperty("exit_code").GetInt32());
            Assert.Equal("once\n", await Cluster.Cli.OkAsync("logs", api, id, "--no-follow", "--random-pod"));
        }

        await GoneAsync();
    }

    [Fact]
    public async Task ApiDeleted_StopsItsJobs_RedeployKeepsTheOldVersionOfARunningOne()
    {
        await DeployAsync("train", Container("main", "echo old; sleep 2; exit 0"));
        var old = await SubmitAsync("train");
        await StatusAsync("train", old, "running");
        await DeployAsync("train", Container("main", "echo new; sleep 1000"));
        var ended = await EndAsync("train", old, "succeeded");
        Assert.Equal("old\n", await Cluster.Cli.OkAsync("logs", "train", old, "--random-pod"));
        Assert.NotEqual("", ended.GetProperty("api_id").GetString());

        await StatusAsync("train", await SubmitAsync("train"), "running");
        await Cluster.Cli.OkAsync("delete", "train", "-f");

        await GoneAsync();
    }

    [Fact]
    public async Task Watcher_OfTheLogs_SeesThemAsTheyComeAndEndsWithTheJob()
    {
        await DeployAsync("train", Container("main", "for i in 1 2 3; do echo line $i; sleep 0.3; done"));

        Assert.EndsWith("line 1\nline 2\nline 3\n", await Cluster.Cli.OkAsync("logs", "train", await SubmitAsync("train"), "--random-pod"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InsideTheCluster_AJobSubmitsAnother()
    {
        await DeployAsync("child", Container("main", "echo child"));
        await DeployAsync("parent", Container("main", "wget -q -O - --post-data '{}' http://ingressgateway-operator.istio-system.svc.cluster.local/tasks/child"));

        var parent = await EndAsync("parent", await SubmitAsync("parent"));

        Assert.SkipWhen(parent.GetProperty("status").GetString() != "succeeded" && (await File.ReadAllTextAsync(Path.Combine(Cluster.DataDirectory, "server.log"))).Contains("Can't listen on", StringComparison.Ordinal), "port 80 of the bridge is not free");
        Assert.Equal("succeeded", parent.GetProperty("status").GetString());
        await Eventually.TrueAsync(async () => (await Cluster.GetAsync("get", "child")).TryGetProperty("task_job_statuses", out var jobs) && jobs[0].GetProperty("status").GetString() == "succeeded", "the child has run");
    }

    // Containers of jobs that were started between two moments.
    private async Task<IReadOnlyList<string>> StartedAsync(DateTimeOffset since, DateTimeOffset until) => await Shell.LinesAsync(
        "docker", "events", "--since", $"{since.ToUnixTimeSeconds() + 1}", "--until", $"{until.ToUnixTimeSeconds()}", "--filter", $"label=dev.cortex.cluster={Cluster.Name}",
        "--filter", "event=start", "--filter", "label=dev.cortex.container", "--format", "{{.Actor.Attributes.name}}");
}
