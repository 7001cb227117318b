namespace Cortex.EndToEnd.Tests;

public sealed class DockerRestartTests
{
    [Fact]
    public async Task Docker_Restarted_ApisServeAgain()
    {
        await using var docker = new PrivateDocker();
        await docker.StartWithImageAsync();
        var cluster = new LocalCluster(docker);
        await cluster.InitializeAsync();
        try
        {
            await cluster.DeployAsync(LocalCluster.Api("survivor", replicas: 2));

            await docker.StopAsync();
            await Eventually.TrueAsync(async () => (await cluster.Cli.RunAsync("cluster", "health")) is { ExitCode: 1 } health && health.Output.Contains("false", StringComparison.Ordinal), "health tells that Docker is gone");
            await docker.StartAsync();

            await cluster.StateAsync("survivor", "ready", 2);
            Assert.StartsWith("1 ", await cluster.CallAsync("/survivor"), StringComparison.Ordinal);
            await Eventually.TrueAsync(async () => (await cluster.ReplicaContainersAsync()).Count == 4, "each replica has one container and one network");
            await Eventually.TrueAsync(async () => (await cluster.ContainersAsync("status=running")).Count == 4 + 2, "the networks for replicas to come are made anew");
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }
}
