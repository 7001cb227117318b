namespace Cortex.EndToEnd.Tests;

/// <summary>What scales sooner than the rule of Cortex would. With its defaults alone, nothing is scaled up within the first minute.</summary>
public sealed class ScalingTests(LocalCluster cluster) : IClassFixture<LocalCluster>
{
    private static readonly TimeSpan _sooner = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task Burst_StartsReplicasBeforeTheWindowIsOver()
    {
        await cluster.DeployAsync($$"""
            - name: bursts
              kind: RealtimeAPI
              pod:
                max_concurrency: 4
                max_queue_length: 1000
                containers:
                - name: api
                  image: {{TestImage.Name}}
                  compute: {cpu: 50m}
              autoscaling: {min_replicas: 1, max_replicas: 5, target_in_flight: 4, max_upscale_factor: 5, burst: true}

            """);
        await using var load = new Load(cluster, "/bursts/cgi-bin/sleep?0.2", clients: 12);

        await ReplicasAsync("bursts", 3);
        await load.StopAsync();

        Assert.Empty(load.Failures);
        Assert.Contains("burst: ", await cluster.Cli.OkAsync("describe", "bursts"), StringComparison.Ordinal);
        await cluster.Cli.OkAsync("delete", "bursts", "-f");
    }

    [Fact]
    public async Task QueueAge_StartsReplicasForWhatWouldWaitTooLong()
    {
        await cluster.DeployAsync($$"""
            - name: ages
              kind: AsyncAPI
              pod:
                max_concurrency: 1
                containers:
                - name: api
                  image: {{TestImage.Name}}
                  compute: {cpu: 50m}
              autoscaling: {min_replicas: 1, max_replicas: 3, target_in_flight: 1000, max_upscale_factor: 3, window: 10s, target_queue_age: 4s}

            """);
        var ids = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => cluster.SubmitAsync("ages", "sleep 1")));

        await ReplicasAsync("ages", 3);   // by target_in_flight one would do for ever
        foreach (var id in ids)
        {
            Assert.Equal("completed", (await cluster.FinalAsync("ages", id)).GetProperty("status").GetString());
        }

        await cluster.Cli.OkAsync("delete", "ages", "-f");
    }

    private Task ReplicasAsync(string api, int count) => Eventually.TrueAsync(
        async () => (await cluster.DescribeAsync(api)).GetProperty("replica_counts").GetProperty("ready").GetInt32() == count, $"{api} has {count} replicas", _sooner);
}
