using System.Net;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

public sealed class RealtimeApiTests(LocalCluster cluster) : IClassFixture<LocalCluster>
{
    [Fact]
    public async Task Tour_DeployCallGetRefreshDelete()
    {
        var deployed = await cluster.DeployAsync(LocalCluster.Api("tour"));

        Assert.Contains("creating tour (RealtimeAPI)", deployed, StringComparison.Ordinal);
        Assert.StartsWith("1 ", await cluster.CallAsync("/tour"), StringComparison.Ordinal);

        using (var list = JsonDocument.Parse(await cluster.Cli.OkAsync("get", "-e", cluster.Name, "-o", "json")))
        {
            var tour = list.RootElement.EnumerateArray().Single(api => api.GetProperty("metadata").GetProperty("name").GetString() == "tour");
            Assert.Equal(1, tour.GetProperty("status").GetProperty("ready").GetInt32());
        }

        var one = await cluster.Cli.OkAsync("get", "tour");
        Assert.Contains("1/1", one, StringComparison.Ordinal);
        Assert.Contains($"http://127.0.0.1:{cluster.ApiPort}/tour", one, StringComparison.Ordinal);
        Assert.Contains("Ready", await cluster.Cli.OkAsync("describe", "tour"), StringComparison.Ordinal);

        var before = await cluster.CallAsync("/tour");
        Assert.Contains("updating tour (RealtimeAPI)", await cluster.Cli.OkAsync("refresh", "tour"), StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => await cluster.CallAsync("/tour") != before, "another replica answers");

        Assert.Contains("deleting tour", await cluster.Cli.OkAsync("delete", "tour", "-f"), StringComparison.Ordinal);
        using var gone = await cluster.Http.GetAsync(new Uri(cluster.Apis, "/tour"));
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task Update_UnderLoad_LosesNoRequest()
    {
        await cluster.DeployAsync(LocalCluster.Api("update", replicas: 2));
        await using var load = new Load(cluster, "/update");
        await load.MoreAsync(50);

        await cluster.DeployAsync(LocalCluster.Api("update", version: "2", replicas: 2));
        await load.MoreAsync(50);
        await cluster.Cli.OkAsync("refresh", "update");
        await load.MoreAsync(50);
        await cluster.DeployAsync(LocalCluster.Api("update", version: "3", replicas: 2, more: "pre_stop: {exec: {command: [sleep, '1']}}"), "--force");
        await load.MoreAsync(50);
        await load.StopAsync();

        Assert.Empty(load.Failures);
        Assert.Equal(["1", "2", "3"], load.Answers.Keys.Order(StringComparer.Ordinal));
        await cluster.Cli.OkAsync("delete", "update", "-f");
    }

    [Fact]
    public async Task Update_SlowRequest_IsAnsweredByTheOldReplica()
    {
        await cluster.DeployAsync(LocalCluster.Api("slow"));
        var slow = cluster.CallAsync("/slow/cgi-bin/sleep?4");

        await cluster.DeployAsync(LocalCluster.Api("slow", version: "2"));

        Assert.Equal("slept", await slow);
        await Eventually.TrueAsync(async () => (await cluster.CallAsync("/slow")).StartsWith("2 ", StringComparison.Ordinal), "version 2 serves");
        await cluster.Cli.OkAsync("delete", "slow", "-f");
    }

    [Fact]
    public async Task Update_NewVersionNeverReady_LeavesOldServingAndSaysWhy()
    {
        await cluster.DeployAsync(LocalCluster.Api("stays"));

        var result = await cluster.Cli.RunAsync("deploy", cluster.Write(LocalCluster.Api("stays", version: "2", more: "command: [sh, -c, 'exit 3']")), "--wait", "--timeout", "30s");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("3", result.Error + result.Output, StringComparison.Ordinal);
        Assert.StartsWith("1 ", await cluster.CallAsync("/stays"), StringComparison.Ordinal);
        var status = await cluster.DescribeAsync("stays");
        Assert.Equal(1, status.GetProperty("replica_counts").GetProperty("ready_out_of_date").GetInt32());
        Assert.Contains("failed", status.GetProperty("reasons")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("failed", await cluster.Cli.OkAsync("describe", "stays"), StringComparison.Ordinal);
        await cluster.Cli.OkAsync("delete", "stays", "-f");
    }

    [Fact]
    public async Task Deploy_GoodAndMissingImagesInTurn_NeverHangsTheServer()
    {
        // A published build once kept a lock after a failed pull, so that within five rounds a later one waited for ever.
        for (var round = 0; round < 8; round++)
        {
            // It ends on SIGTERM at once, so that a round takes seconds.
            const string quick = "command: [sh, -c, \"trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait\"]";
            await cluster.DeployAsync(LocalCluster.Api("turns", version: $"{round}", more: quick), "--force", "--timeout", "60s");
            await cluster.Cli.OkAsync("deploy", cluster.Write(LocalCluster.Api("turns").Replace(TestImage.Name, $"127.0.0.1:1/nothing:{round}", StringComparison.Ordinal)), "--force");
            await cluster.StateAsync("turns", "err_image_pull");
            Assert.StartsWith($"{round} ", await cluster.CallAsync("/turns"), StringComparison.Ordinal);
        }

        await cluster.Cli.OkAsync("delete", "turns", "-f");
        await Eventually.TrueAsync(async () => (await cluster.ReplicaContainersAsync($"name=cortex-{cluster.Name}-turns-")).Count == 0, "every replica is gone");
    }

    [Fact]
    public async Task Replica_KilledOrRemovedByHand_IsRepaired()
    {
        await cluster.DeployAsync(LocalCluster.Api("repair"));
        var containers = await cluster.ReplicaContainersAsync($"name=cortex-{cluster.Name}-repair-");
        Assert.NotEmpty(containers);

        await Shell.RunAsync("docker", ["rm", "-f", .. containers]);

        await Eventually.TrueAsync(async () => (await cluster.ReplicaContainersAsync($"name=cortex-{cluster.Name}-repair-")).Except(containers).Count() == 2, "new containers");
        await Eventually.TrueAsync(async () =>
        {
            using var response = await cluster.Http.GetAsync(new Uri(cluster.Apis, "/repair"));
            return response.IsSuccessStatusCode;
        }, "it answers again");
        await cluster.Cli.OkAsync("delete", "repair", "-f");
    }

    [Fact]
    public async Task Container_SeesItsEnvironmentAndReachesOtherApisByName()
    {
        await cluster.DeployAsync(LocalCluster.Api("caller") + LocalCluster.Api("callee", version: "chained"));

        var env = await cluster.CallAsync("/caller/cgi-bin/env");
        var chained = await cluster.CallAsync("/caller/cgi-bin/get?http://ingressgateway-apis.istio-system.svc.cluster.local/callee");
        var byOperator = await cluster.CallAsync("/caller/cgi-bin/get?http://ingressgateway-operator.istio-system.svc.cluster.local/verifycortex");
        var direct = await cluster.CallAsync("/caller/cgi-bin/get?http://operator.default.svc.cluster.local:8888/verifycortex");
        var machine = await cluster.CallAsync("/caller/cgi-bin/get?http://host.docker.internal:8888/verifycortex");

        Assert.Contains("CORTEX_PORT=8080\n", env, StringComparison.Ordinal);
        Assert.Contains("CORTEX_VERSION=1.", env, StringComparison.Ordinal);
        Assert.Contains("CORTEX_CLI_CONFIG_DIR=/cortex/client\n", env, StringComparison.Ordinal);
        Assert.Contains("operator_endpoint: http://operator.default.svc.cluster.local:8888", env, StringComparison.Ordinal);
        Assert.StartsWith("chained ", chained, StringComparison.Ordinal);
        Assert.Equal("{}", byOperator);
        Assert.Equal("{}", direct);
        Assert.Equal("{}", machine);
        await cluster.Cli.OkAsync("delete", "caller", "-f");
        await cluster.Cli.OkAsync("delete", "callee", "-f");
    }

    [Fact]
    public async Task States_EachShowsInDescribe()
    {
        await cluster.Cli.OkAsync("deploy", cluster.Write(
            LocalCluster.Api("s-image", more: "").Replace(TestImage.Name, "127.0.0.1:1/nothing:here", StringComparison.Ordinal)
            + LocalCluster.Api("s-failed", more: "command: [sh, -c, 'exit 3']")
            + LocalCluster.Api("s-killed", more: "command: [sh, -c, 'exit 137']")
            + LocalCluster.Api("s-oom", more: "command: [sh, -c, 'tail /dev/zero']").Replace("{cpu: 50m}", "{cpu: 50m, mem_limit: 20Mi}", StringComparison.Ordinal)
            + LocalCluster.Api("s-notready", more: "command: [sleep, '1000']")
            + LocalCluster.Api("s-pending", replicas: 100).Replace("{cpu: 50m}", "{cpu: '1'}", StringComparison.Ordinal)));

        await cluster.StateAsync("s-image", "err_image_pull");
        await cluster.StateAsync("s-failed", "failed");
        await cluster.StateAsync("s-killed", "killed");
        await cluster.StateAsync("s-oom", "killed_oom");
        await cluster.StateAsync("s-notready", "not_ready");
        await cluster.StateAsync("s-pending", "stalled");
        var reasons = (await cluster.DescribeAsync("s-pending")).GetProperty("reasons").EnumerateArray().Select(reason => reason.GetString()).ToList();
        Assert.Contains(reasons, reason => reason!.Contains("stalled", StringComparison.Ordinal) && reason.Contains("cpu", StringComparison.OrdinalIgnoreCase));
        foreach (var api in new[] { "s-image", "s-failed", "s-killed", "s-oom", "s-notready", "s-pending" })
        {
            await cluster.Cli.OkAsync("delete", api, "-f");
        }
    }

    [Fact]
    public async Task Deploy_BadFile_ListsEveryErrorWithItsPlace()
    {
        var result = await cluster.Cli.RunAsync("deploy", cluster.Write("""
            - name: bad
              kind: RealtimeAPI
              pod:
                prot: 8080
                containers:
                - name: api
                  image: app
                  compute: {cpu: 1m}
            """));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(":4:5: bad: pod", result.Error, StringComparison.Ordinal);
        Assert.Contains("port", result.Error, StringComparison.Ordinal);
        Assert.Contains("pod.containers[0].compute.cpu", result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Output);
    }

    [Fact]
    public async Task Logs_AllReplicas_AreShown()
    {
        await cluster.DeployAsync(LocalCluster.Api("logs", replicas: 2, more: "command: [sh, -c, 'echo hello from $$HOSTNAME; exec httpd -f -p 8080 -h /www']"));

        var text = await cluster.Cli.OkAsync("logs", "logs", "--no-follow");

        Assert.Equal(2, text.Split('\n').Count(line => line.Contains("hello from", StringComparison.Ordinal)));
        await cluster.Cli.OkAsync("delete", "logs", "-f");
    }
}
