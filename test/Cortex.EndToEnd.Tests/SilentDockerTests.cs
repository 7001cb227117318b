using System.Diagnostics;
using System.Globalization;

namespace Cortex.EndToEnd.Tests;

public sealed class SilentDockerTests
{
    [Fact]
    public async Task Docker_HangsWhileAReplicaDies_ItsAsyncRequestIsNotAtFault()
    {
        await TestImage.EnsureAsync();
        await using var docker = new PrivateDocker();
        await docker.StartAsync();
        await docker.LoadAsync(TestImage.Name);
        var cluster = new LocalCluster(docker);
        await cluster.InitializeAsync();
        try
        {
            await cluster.DeployAsync(AsyncCluster.Api("worker"));
            var id = await cluster.SubmitAsync("worker", "sleep 3");
            await cluster.InStatusAsync("worker", id, "in_progress");
            var container = Assert.Single(await cluster.ReplicaContainersAsync("ancestor=" + TestImage.Name));
            var process = int.Parse(Assert.Single(await Shell.LinesAsync("docker", "-H", docker.Host, "inspect", "-f", "{{.State.Pid}}", container)), CultureInfo.InvariantCulture);

            await docker.HaltAsync(true);
            using (var program = Process.GetProcessById(process))
            {
                program.Kill();
            }

            // Its connection breaks at once; what Docker would tell comes after the wait for it, and it is judged before.
            await Eventually.TrueAsync(
                async () => (await cluster.RequestAsync("worker", id)).GetProperty("status").GetString() is not "in_progress", "the attempt was judged");
            await docker.HaltAsync(false);

            Assert.Equal("completed", (await cluster.FinalAsync("worker", id)).GetProperty("status").GetString());
        }
        finally
        {
            await docker.HaltAsync(false);
            await cluster.DisposeAsync();
        }
    }

    [Fact]
    public async Task Docker_Hangs_WhatRunsIsServedAndTheRestSaysWhy()
    {
        await TestImage.EnsureAsync();
        await using var docker = new PrivateDocker();
        await docker.StartAsync();
        await docker.LoadAsync(TestImage.Name);
        var cluster = new LocalCluster(docker);
        await cluster.InitializeAsync();
        try
        {
            await cluster.DeployAsync(LocalCluster.Api("before"));

            await docker.HaltAsync(true);
            // A call that was under way when it was halted may be told of first.
            await Eventually.TrueAsync(
                async () => await cluster.Cli.RunAsync("cluster", "health") is { ExitCode: 1 } health && health.Error.Contains("Docker Engine has not answered since 20", StringComparison.Ordinal),
                "health tells that Docker hangs");

            var began = Stopwatch.GetTimestamp();
            Assert.Contains("creating later", await cluster.Cli.OkAsync("deploy", cluster.Write(LocalCluster.Api("later"))), StringComparison.Ordinal);
            Assert.Contains("Docker Engine has not answered since", (await cluster.DescribeAsync("later")).GetProperty("reasons")[0].GetString(), StringComparison.Ordinal);
            Assert.Contains("before", await cluster.Cli.OkAsync("get"), StringComparison.Ordinal);
            await cluster.Cli.OkAsync("cluster", "info");
            Assert.StartsWith("1 ", await cluster.CallAsync("/before"), StringComparison.Ordinal);
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "nothing waits for Docker");

            await docker.HaltAsync(false);
            await cluster.StateAsync("later", "ready");
            // A call that was given up and is not made again counts as unanswered for a minute.
            await Eventually.TrueAsync(async () => (await cluster.Cli.RunAsync("cluster", "health")).ExitCode == 0, "health is well again", TimeSpan.FromMinutes(2));
        }
        finally
        {
            await docker.HaltAsync(false);
            await cluster.DisposeAsync();
        }
    }
}
