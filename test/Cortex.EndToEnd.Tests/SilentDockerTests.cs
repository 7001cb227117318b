using System.Diagnostics;
using System.Globalization;

namespace Cortex.EndToEnd.Tests;

public sealed class SilentDockerTests : IAsyncLifetime
{
    private readonly PrivateDocker _docker = new();
    private readonly LocalCluster _cluster;

    public SilentDockerTests() => _cluster = new LocalCluster(_docker);

    public async ValueTask InitializeAsync()
    {
        await _docker.StartWithImageAsync();
        await _cluster.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _docker.HaltAsync(false);
        await _cluster.DisposeAsync();
        await _docker.DisposeAsync();
    }

    [Fact]
    public async Task Docker_HangsWhileAReplicaDies_ItsAsyncRequestIsNotAtFault()
    {
        await _cluster.DeployAsync(AsyncCluster.Api("worker"));
        var id = await _cluster.SubmitAsync("worker", "sleep 3");
        await _cluster.InStatusAsync("worker", id, "in_progress");
        var container = Assert.Single(await _cluster.ReplicaContainersAsync("ancestor=" + TestImage.Name));
        var process = int.Parse(Assert.Single(await Shell.LinesAsync("docker", "-H", _docker.Host, "inspect", "-f", "{{.State.Pid}}", container)), CultureInfo.InvariantCulture);

        await _docker.HaltAsync(true);
        using (var program = Process.GetProcessById(process))
        {
            program.Kill();
        }

        // Its connection breaks at once; what Docker would tell comes after the wait for it, and it is judged before.
        await Eventually.TrueAsync(
            async () => (await _cluster.RequestAsync("worker", id)).GetProperty("status").GetString() is not "in_progress", "the attempt was judged");
        await _docker.HaltAsync(false);

        Assert.Equal("completed", (await _cluster.FinalAsync("worker", id)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Docker_Hangs_WhatRunsIsServedAndTheRestSaysWhy()
    {
        await _cluster.DeployAsync(LocalCluster.Api("before"));

        await _docker.HaltAsync(true);
        // A call that was under way when it was halted may be told of first.
        await Eventually.TrueAsync(
            async () => await _cluster.Cli.RunAsync("cluster", "health") is { ExitCode: 1 } health && health.Error.Contains("Docker Engine has not answered since 20", StringComparison.Ordinal),
            "health tells that Docker hangs");

        var began = Stopwatch.GetTimestamp();
        Assert.Contains("creating later", await _cluster.Cli.OkAsync("deploy", _cluster.Write(LocalCluster.Api("later"))), StringComparison.Ordinal);
        Assert.Contains("Docker Engine has not answered since", (await _cluster.DescribeAsync("later")).GetProperty("reasons")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("before", await _cluster.Cli.OkAsync("get"), StringComparison.Ordinal);
        await _cluster.Cli.OkAsync("cluster", "info");
        Assert.StartsWith("1 ", await _cluster.CallAsync("/before"), StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "nothing waits for Docker");

        await _docker.HaltAsync(false);
        await _cluster.StateAsync("later", "ready");
        // A call that was given up and is not made again counts as unanswered for a minute.
        await Eventually.TrueAsync(async () => (await _cluster.Cli.RunAsync("cluster", "health")).ExitCode == 0, "health is well again", TimeSpan.FromMinutes(2));
    }
}
