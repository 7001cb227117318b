using System.Net;
using System.Text;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

public sealed class AsyncApiTests(LocalCluster cluster) : IClassFixture<LocalCluster>
{
    [Fact]
    public async Task Tour_SubmitWaitListCancelRetryDelete()
    {
        Assert.Contains("creating texts (AsyncAPI)", await cluster.DeployAsync(AsyncCluster.Api("texts", concurrency: 1)), StringComparison.Ordinal);

        var id = await cluster.SubmitAsync("texts", "hello");
        var done = await cluster.FinalAsync("texts", id);
        Assert.Equal(("completed", id), (done.GetProperty("status").GetString(), done.GetProperty("id").GetString()));
        var result = done.GetProperty("result");
        Assert.Equal((id, "hello", "text/plain; charset=utf-8"), (result.GetProperty("id").GetString(), result.GetProperty("said").GetString(), result.GetProperty("type").GetString()));
        Assert.True(done.GetProperty("timestamp").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-5));

        var failed = await cluster.SubmitAsync("texts", "status 500");
        var failure = await cluster.FinalAsync("texts", failed);
        Assert.Equal(("failed", "bad_status", 500, "words of an error"), (
            failure.GetProperty("status").GetString(), failure.GetProperty("error").GetProperty("reason").GetString(),
            failure.GetProperty("error").GetProperty("status_code").GetInt32(), failure.GetProperty("error").GetProperty("answer").GetString()));

        // One at a time: what waits behind it is cancelled before it began, and then it is itself.
        var slow = await cluster.SubmitAsync("texts", "sleep 60");
        await cluster.InStatusAsync("texts", slow, "in_progress");
        var behind = await cluster.SubmitAsync("texts", "behind");
        await Eventually.TrueAsync(async () => (await cluster.Cli.OkAsync("get", "texts")).Contains("   1        1             ", StringComparison.Ordinal), "get shows one that waits and one in progress");
        Assert.Equal($"{behind}: cancelled\n{slow}: cancelled\n", await cluster.Cli.OkAsync("async", "cancel", "texts", behind, slow));
        Assert.Equal("cancelled", (await cluster.RequestAsync("texts", slow)).GetProperty("status").GetString());
        Assert.Equal("after", (await cluster.FinalAsync("texts", await cluster.SubmitAsync("texts", "after"))).GetProperty("result").GetProperty("said").GetString());

        var list = await cluster.Cli.OkAsync("async", "list", "texts", "--all", "-o", "json");
        using (var json = JsonDocument.Parse(list))
        {
            var statuses = json.RootElement.GetProperty("requests").EnumerateArray().Select(request => request.GetProperty("status").GetString());
            Assert.Equal(["completed", "cancelled", "cancelled", "failed", "completed"], statuses);
        }

        Assert.Equal($"{behind}: in_queue\n", await cluster.Cli.OkAsync("async", "retry", "texts", behind));
        Assert.Equal("behind", (await cluster.FinalAsync("texts", behind)).GetProperty("result").GetProperty("said").GetString());

        var described = await cluster.Cli.OkAsync("describe", "texts");
        Assert.Contains("InProgress", described, StringComparison.Ordinal);
        Assert.Matches("callback key: whsec_[A-Za-z0-9+/]{43}=\n", described);

        Assert.Contains("deleting texts", await cluster.Cli.OkAsync("delete", "texts", "-f"), StringComparison.Ordinal);
        using var gone = await cluster.PostAsync("/texts", "x");
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task Cli_SubmitAndWait_PrintsTheResultAndTellsByItsExitCode()
    {
        await cluster.DeployAsync(AsyncCluster.Api("cli"));
        var file = cluster.Write("from a file");

        var completed = await cluster.Cli.RunAsync("async", "submit", "cli", file, "--content-type", "text/x-test", "-H", "X-One: 1", "--wait", "60s");
        Assert.True(completed.ExitCode == 0, completed.Error);
        using (var json = JsonDocument.Parse(completed.Output))
        {
            Assert.Equal(("from a file", "text/x-test"), (json.RootElement.GetProperty("said").GetString(), json.RootElement.GetProperty("type").GetString()));
        }

        var failed = await cluster.Cli.RunAsync("async", "submit", "cli", "--data", "text", "--wait");
        Assert.Equal((1, ""), (failed.ExitCode, failed.Output));
        Assert.Contains("bad_content_type", failed.Error, StringComparison.Ordinal);

        var id = (await cluster.Cli.OkAsync("async", "submit", "cli", "--data", "sleep 30")).Trim();
        var unfinished = await cluster.Cli.RunAsync("async", "get", "cli", id, "--wait", "1s");
        Assert.Equal((3, ""), (unfinished.ExitCode, unfinished.Output));
        await cluster.Cli.OkAsync("async", "cancel", "cli", id);
        var cancelled = await cluster.Cli.RunAsync("async", "get", "cli", id, "-o", "json");
        Assert.Equal(1, cancelled.ExitCode);
        using var answer = JsonDocument.Parse(cancelled.Output);
        Assert.Equal("cancelled", answer.RootElement.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Submit_SameIdempotencyKey_QueuesNothing()
    {
        await cluster.DeployAsync(AsyncCluster.Api("once"));

        using var first = await cluster.PostAsync("/once", "hello", ("Idempotency-Key", "order-17"));
        using var second = await cluster.PostAsync("/once", "hello", ("Idempotency-Key", "order-17"));

        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
        Assert.False(first.Headers.Contains("X-Cortex-Idempotent-Replay"));
        Assert.Equal("true", second.Headers.GetValues("X-Cortex-Idempotent-Replay").Single());
        using var list = JsonDocument.Parse(await cluster.Cli.OkAsync("async", "list", "once", "-o", "json"));
        Assert.Equal(1, list.RootElement.GetProperty("requests").GetArrayLength());
    }

    [Fact]
    public async Task Failures_AreRetriedAsConfigured_AndDisturbNobodyElse()
    {
        await cluster.DeployAsync(AsyncCluster.Api("retries", queue: "{max_attempts: 3, retry_backoff: 100ms, timeout: 2s}"));

        var broken = await cluster.SubmitAsync("retries", "broken");
        var hanging = await cluster.SubmitAsync("retries", "sleep 30");
        var good = await cluster.SubmitAsync("retries", "good");

        Assert.Equal("completed", (await cluster.FinalAsync("retries", good)).GetProperty("status").GetString());
        var failure = await cluster.FinalAsync("retries", broken);
        Assert.Equal(("failed", 3), (failure.GetProperty("status").GetString(), failure.GetProperty("attempts").GetArrayLength()));
        Assert.Equal("timeout", (await cluster.FinalAsync("retries", hanging)).GetProperty("error").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Container_KilledWhileItWorks_GivesItsRequestToAnotherReplica()
    {
        await cluster.DeployAsync(AsyncCluster.Api("killed", replicas: 2, concurrency: 1));
        var id = await cluster.SubmitAsync("killed", "sleep 3");
        await cluster.InStatusAsync("killed", id, "in_progress");

        // Which of the two works on it shows in nothing but the attempt that is lost.
        var containers = await cluster.ReplicaContainersAsync($"name=cortex-{cluster.Name}-killed-");
        var busy = await BusyAsync(containers);
        await Shell.RunAsync("docker", "kill", busy);

        var done = await cluster.FinalAsync("killed", id);
        Assert.Equal("completed", done.GetProperty("status").GetString());
        Assert.Equal("replica_lost", Assert.Single(done.GetProperty("attempts").EnumerateArray()).GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Update_WorkInProgress_EndsWhereItBegan()
    {
        await cluster.DeployAsync(AsyncCluster.Api("rolls", concurrency: 1));
        var id = await cluster.SubmitAsync("rolls", "sleep 4");
        await cluster.InStatusAsync("rolls", id, "in_progress");
        var next = await cluster.SubmitAsync("rolls", "next");

        await cluster.DeployAsync(AsyncCluster.Api("rolls", version: "2", concurrency: 1));

        var done = await cluster.FinalAsync("rolls", id);
        Assert.Equal(("completed", "1"), (done.GetProperty("status").GetString(), done.GetProperty("result").GetProperty("version").GetString()));
        Assert.False(done.TryGetProperty("attempts", out _));
        Assert.Equal("completed", (await cluster.FinalAsync("rolls", next)).GetProperty("status").GetString());
        Assert.Equal("2", (await cluster.FinalAsync("rolls", await cluster.SubmitAsync("rolls", "new"))).GetProperty("result").GetProperty("version").GetString());
    }

    [Fact]
    public async Task Queue_OnlyItChanges_KeepsTheContainers()
    {
        await cluster.DeployAsync(AsyncCluster.Api("same"));
        var before = (await cluster.FinalAsync("same", await cluster.SubmitAsync("same", "a"))).GetProperty("result").GetProperty("replica").GetString();

        Assert.Contains("updating same (AsyncAPI)", await cluster.DeployAsync(AsyncCluster.Api("same", queue: "{max_payload: 1Ki}")), StringComparison.Ordinal);

        using var large = await cluster.PostAsync("/same", new string('x', 1025));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.Equal(before, (await cluster.FinalAsync("same", await cluster.SubmitAsync("same", "b"))).GetProperty("result").GetProperty("replica").GetString());
    }

    [Fact]
    public async Task Delete_AndDeployAgain_FindsWhatWaitedAndItsResults()
    {
        await cluster.DeployAsync(AsyncCluster.Api("again", concurrency: 1));
        var done = await cluster.SubmitAsync("again", "before");
        await cluster.FinalAsync("again", done);
        var busy = await cluster.SubmitAsync("again", "sleep 3");
        await cluster.InStatusAsync("again", busy, "in_progress");
        var waiting = await cluster.SubmitAsync("again", "waiting");

        await cluster.Cli.OkAsync("delete", "again", "-f");
        await Eventually.TrueAsync(async () => (await cluster.ReplicaContainersAsync($"name=cortex-{cluster.Name}-again-")).Count == 0, "its containers are gone");
        await cluster.DeployAsync(AsyncCluster.Api("again", concurrency: 1));

        Assert.Equal("before", (await cluster.RequestAsync("again", done)).GetProperty("result").GetProperty("said").GetString());
        Assert.Equal("completed", (await cluster.FinalAsync("again", busy)).GetProperty("status").GetString());
        Assert.Equal("waiting", (await cluster.FinalAsync("again", waiting)).GetProperty("result").GetProperty("said").GetString());
    }

    [Fact]
    public async Task Callback_IsSignedWithTheKeyThatDescribeShows()
    {
        await cluster.DeployAsync(AsyncCluster.Api("calls"));
        await using var receiver = new CallbackReceiver();

        var id = await cluster.SubmitAsync("calls", "hello", ("X-Cortex-Callback-URL", receiver.Url));

        var (headers, body) = await receiver.ReceivedAsync();
        using var json = JsonDocument.Parse(body);
        Assert.Equal((id, "completed", "hello"), (
            json.RootElement.GetProperty("id").GetString(), json.RootElement.GetProperty("status").GetString(), json.RootElement.GetProperty("result").GetProperty("said").GetString()));
        var described = await cluster.Cli.OkAsync("describe", "calls");
        var key = Convert.FromBase64String(described.Split("whsec_")[1].Split('\n')[0]);
        var signed = Encoding.UTF8.GetBytes($"{headers["X-Cortex-Timestamp"]}.{body}");
        Assert.Equal($"sha256={Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA256.HashData(key, signed))}", headers["X-Cortex-Signature"]);
        await Eventually.TrueAsync(async () => (await cluster.RequestAsync("calls", id)).GetProperty("callback").GetProperty("status").GetString() == "delivered", "the delivery shows on the request");

        using var refused = await cluster.PostAsync("/calls", "x", ("X-Cortex-Callback-URL", "http://10.0.0.1/hook"));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task Metrics_TellOfQueueAndStore()
    {
        await cluster.DeployAsync(AsyncCluster.Api("counts"));
        await cluster.FinalAsync("counts", await cluster.SubmitAsync("counts", "a"));

        var text = await cluster.Http.GetStringAsync(new Uri($"http://127.0.0.1:{cluster.OperatorPort}/metrics"));

        Assert.Matches("cortex_async_queued\\{api_name=\"counts\",api_kind=\"AsyncAPI\"[^}]*\\} 0\n", text);
        Assert.Matches("cortex_async_request_count\\{[^}]*api_name=\"counts\"[^}]*\\} 1\n", text);
        Assert.Matches("cortex_store_commit_seconds_count [1-9][0-9]*\n", text);
        Assert.Matches("cortex_store_wal_bytes [0-9]+\n", text);
    }

    private static async Task<string> BusyAsync(IReadOnlyList<string> containers)
    {
        foreach (var container in containers)
        {
            if ((await Shell.RunAsync("docker", "top", container)).Contains("sleep 3", StringComparison.Ordinal))
            {
                return container;
            }
        }

        throw new InvalidOperationException("no container works on the request");
    }
}
