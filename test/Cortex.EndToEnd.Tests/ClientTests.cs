using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Cortex.Client;
using Cortex.Core.Errors;
using Cortex.Core.Specs;

namespace Cortex.EndToEnd.Tests;

/// <summary>The .NET client against a real cluster, through its public methods only.</summary>
public sealed class ClientTests(LocalCluster cluster) : IClassFixture<LocalCluster>, IDisposable
{
    private readonly CortexClient _client = new($"http://{cluster.Address}:{cluster.OperatorPort}", File.ReadAllText(Path.Combine(cluster.DataDirectory, "token")).Trim());

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Realtime_FromDeployToDelete()
    {
        (await _client.DeployAsync(LocalCluster.Api("client-hello"))).EnsureDeployed();
        var api = await _client.WaitUntilReadyAsync("client-hello");
        using var answer = await _client.CallAsync("client-hello", HttpMethod.Get, "/?a=1");
        Assert.StartsWith("1 ", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        (await _client.DeployAsync(LocalCluster.Api("client-hello", version: "2"))).EnsureDeployed();
        await _client.WaitUntilReadyAsync("client-hello");
        (await _client.RollbackAsync("client-hello", api.Metadata!.Id)).EnsureDeployed();
        await _client.WaitUntilReadyAsync("client-hello");
        using var earlier = await _client.CallAsync("client-hello", HttpMethod.Get);
        Assert.StartsWith("1 ", await earlier.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        Assert.Contains("client-hello", (await _client.GetAsync()).Select(each => each.Metadata?.Name));
        Assert.Equal(1, (await _client.DescribeAsync("client-hello")).Status?.ReplicaCounts?.Ready);
        Assert.Equal(cluster.Name, (await _client.InfoAsync()).ClusterConfig.GetProperty("cluster_name").GetString());
        Assert.Contains("client-hello", (await _client.RefreshAsync("client-hello", force: true)).Message, StringComparison.Ordinal);
        await _client.DeleteAsync("client-hello");
        Assert.Equal("resources.api_not_deployed", (await Assert.ThrowsAsync<CortexException>(() => _client.GetAsync("client-hello"))).Kind);
    }

    [Fact]
    public async Task Deploy_Mistakes_AreToldWithTheirPlaces()
    {
        var error = await Assert.ThrowsAsync<CortexException>(() => _client.DeployAsync("- name: Wrong\n  kind: RealtimeAPI\n  pod: {containers: [{name: api, imgae: x}]}\n"));

        Assert.Contains(error.Places, place => place is { Line: 1, Kind: "urls.dns1035" });
        Assert.True(error.Places.Count > 1, error.Message);
    }

    [Fact]
    public async Task Async_FromSubmitToResult()
    {
        (await _client.DeployAsync(AsyncCluster.Api("client-texts"))).EnsureDeployed();
        var texts = _client.Requests("client-texts");
        using var words = new StringContent("some words");

        var submitted = await texts.SubmitAsync(words, new SubmitOptions { IdempotencyKey = "once" });
        var again = await texts.SubmitAsync(words, new SubmitOptions { IdempotencyKey = "once" });
        Assert.Equal((submitted.Id, true), (again.Id, again.IsReplay));
        Assert.Equal("some words", (await texts.WaitAsync(submitted.Id)).EnsureCompleted().GetProperty("said").GetString());
        using var answer = await texts.AnswerAsync(submitted.Id);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);

        var ids = new List<string>();
        await foreach (var each in texts.SubmitManyAsync(Enumerable.Range(0, 50), NumberJson.Default.Int32, concurrency: 8))
        {
            ids.Add(each.Id);
        }

        Assert.Equal("49", (await texts.WaitAsync(ids[^1])).EnsureCompleted().GetProperty("said").GetString());
        var listed = new List<string>();
        await foreach (var request in texts.ListAsync())
        {
            listed.Add(request.Id);
        }

        Assert.Equal(51, listed.Count);
        Assert.Equal(ids.Append(submitted.Id).Order(), listed.Order());

        using var slow = new StringContent("sleep 60");
        var cancelled = await texts.SubmitAsync(slow, new SubmitOptions { Delay = TimeSpan.FromMinutes(10) });
        Assert.Equal("cancelled", (await texts.CancelAsync(cancelled.Id)).Status);
        var state = await texts.WaitAsync(cancelled.Id);
        Assert.Equal(ClientErrorKinds.RequestFailed, Assert.Throws<CortexException>(() => state.EnsureCompleted()).Kind);
    }

    [Fact]
    public async Task Task_FromSubmitToLogs()
    {
        (await _client.DeployAsync(Train)).EnsureDeployed();
        var train = _client.Jobs("client-train");

        var job = await train.SubmitAsync(new JobOptions { Config = new JsonObject { ["rate"] = 0.1 } });
        var report = (await train.WaitAsync(job.JobId, TimeSpan.FromMinutes(2))).EnsureSucceeded();

        Assert.Equal(job.JobId, report.Job.JobId);
        var lines = new List<string>();
        await foreach (var line in _client.LogsAsync("client-train", new LogOptions { JobId = job.JobId }))
        {
            lines.Add(line);
        }

        Assert.Contains(lines, line => line.EndsWith("two", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Batch_FromStreamedItemsToTheReport()
    {
        (await _client.DeployAsync(Batch)).EnsureDeployed();
        var score = _client.Jobs("client-score", ApiKind.BatchAPI);

        var job = await score.SubmitItemsAsync(Numbers(), NumberJson.Default.Int32, new BatchOptions { Workers = 2, BatchSize = 10, MaxReceiveCount = 1 });
        var report = (await score.WaitAsync(job.JobId, TimeSpan.FromMinutes(2))).EnsureSucceeded();

        Assert.Equal((10, 10), (report.Job.TotalBatchCount, report.SucceededBatches));
        await foreach (var _ in score.DeadLettersAsync(job.JobId))
        {
            Assert.Fail("there are none");
        }

        Assert.Empty(await score.DryRunAsync((JsonObject)JsonNode.Parse("""{"workers": 1, "item_list": {"items": [1], "batch_size": 1}}""")!));
    }

    private static string Train => $$"""
        - name: client-train
          kind: TaskAPI
          pod:
            containers:
            - name: api
              image: {{TestImage.Name}}
              command: ["sh", "-c", "echo one; echo two"]
              compute: {cpu: 20m}

        """;

    private static string Batch => $$"""
        - name: client-score
          kind: BatchAPI
          pod:
            containers:
            - name: api
              image: {{TestImage.Name}}
              command: [httpd, -f, -p, "8080", -h, /www]
              compute: {cpu: 50m}

        """;

    private static async IAsyncEnumerable<int> Numbers()
    {
        for (var number = 0; number < 100; number++)
        {
            await Task.Yield();
            yield return number;
        }
    }
}

/// <summary>Numbers as JSON.</summary>
[JsonSerializable(typeof(int))]
internal sealed partial class NumberJson : JsonSerializerContext;
