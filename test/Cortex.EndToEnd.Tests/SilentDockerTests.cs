using System.Diagnostics;

namespace Cortex.EndToEnd.Tests;

public sealed class SilentDockerTests
{
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
