using System.Diagnostics;
using System.Net;

namespace Cortex.EndToEnd.Tests;

public sealed class CrashTests : IAsyncLifetime
{
    private readonly LocalCluster _cluster = new();

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Server_KilledAtAnyMoment_AdoptsItsContainersAndStartsNothingTwice()
    {
        await _cluster.DeployAsync(LocalCluster.Api("keeps", replicas: 2));
        var containers = await _cluster.ReplicaContainersAsync();
        var random = new Random(20261121);

        for (var round = 0; round < 6; round++)
        {
            // Kill while a deployment is on its way: before, during and after its containers are made.
            var deploy = _cluster.Cli.RunAsync("deploy", _cluster.Write(LocalCluster.Api("moving", version: $"{round}", replicas: 2)), "--force");
            await Task.Delay(random.Next(0, 1500));
            using (var server = Process.GetProcessById(_cluster.ServerProcessId))
            {
                server.Kill();
                await server.WaitForExitAsync();
            }

            var result = await deploy;
            Assert.Subset((await _cluster.ReplicaContainersAsync("status=running")).ToHashSet(), containers.ToHashSet());

            var watch = Stopwatch.StartNew();
            await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);
            using var response = await _cluster.Http.GetAsync(new Uri(_cluster.Apis, "/keeps"));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"served after {watch.Elapsed}");

            if (result.ExitCode == 0)
            {
                // It was acknowledged, so it must come about.
                var version = $"{round}";
                await Eventually.TrueAsync(async () =>
                {
                    using var answer = await _cluster.Http.GetAsync(new Uri(_cluster.Apis, "/moving"));
                    return answer.IsSuccessStatusCode && (await answer.Content.ReadAsStringAsync()).StartsWith(version + " ", StringComparison.Ordinal);
                }, $"version {version} of moving serves");
            }
        }

        await Eventually.TrueAsync(async () =>
        {
            var counts = (await _cluster.DescribeAsync("moving")).GetProperty("replica_counts");
            return counts.GetProperty("ready").GetInt32() == 2 && counts.GetProperty("terminating").GetInt32() == 0 && counts.GetProperty("ready_out_of_date").GetInt32() == 0;
        }, "moving has settled");
        var now = await _cluster.ReplicaContainersAsync();
        Assert.Subset(now.ToHashSet(), containers.ToHashSet());
        // Two APIs of two replicas, each an infra container and one of the user's.
        await Eventually.TrueAsync(async () => (await _cluster.ReplicaContainersAsync()).Count == 8, "no container is left over");
        await Eventually.TrueAsync(async () => (await _cluster.ContainersAsync()).Count == 8 + 2, "two networks are kept for replicas to come");
    }

    [Fact]
    public async Task Down_LeavesNothing_KeepDataKeepsTheState()
    {
        await _cluster.DeployAsync(LocalCluster.Api("kept"));

        await _cluster.Cli.OkAsync("cluster", "down", "-y", "--keep-data");

        Assert.Empty(await _cluster.ContainersAsync());
        Assert.Empty(await Shell.LinesAsync("docker", "network", "ls", "-q", "--filter", $"label=dev.cortex.cluster={_cluster.Name}"));
        Assert.Empty(await Shell.LinesAsync("docker", "volume", "ls", "-q", "--filter", $"label=dev.cortex.cluster={_cluster.Name}"));

        await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);
        await _cluster.StateAsync("kept", "ready");
        Assert.StartsWith("1 ", await _cluster.CallAsync("/kept"), StringComparison.Ordinal);

        await _cluster.Cli.OkAsync("cluster", "down", "-y");
        Assert.Empty(await _cluster.ContainersAsync());
        Assert.False(Directory.Exists(_cluster.DataDirectory));
    }
}
