namespace Cortex.EndToEnd.Tests;

/// <summary>Task jobs while their Docker Engine goes down and comes back.</summary>
public sealed class TaskDockerRestartTests : TaskApis
{
    private readonly PrivateDocker _docker;

    public TaskDockerRestartTests()
        : this(new PrivateDocker())
    {
    }

    private TaskDockerRestartTests(PrivateDocker docker)
        : base(new LocalCluster(docker)) => _docker = docker;

    public override async ValueTask InitializeAsync()
    {
        await _docker.StartWithImageAsync();
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _docker.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DockerGoesDown_MidJob_StatusesAreTrueWhenItIsBack(bool killed)
    {
        await DeployAsync("quick", Container("main", "echo once"));
        await DeployAsync("long", Container("main", "echo once; sleep 1000"));
        await DeployAsync("again", "jobs: {max_attempts: 2}", Container("main", "echo once; sleep 1000"));
        var done = await SubmitAsync("quick");
        await EndAsync("quick", done, "succeeded");
        var running = await SubmitAsync("long");
        var retried = await SubmitAsync("again");
        await StatusAsync("long", running, "running");
        await StatusAsync("again", retried, "running");

        await (killed ? _docker.KillAsync() : _docker.StopAsync());
        var late = await SubmitAsync("quick");
        await Eventually.TrueAsync(async () => (await Cluster.Cli.RunAsync("cluster", "health")).ExitCode == 1, "health tells that Docker is gone");
        Assert.Equal("pending", (await JobAsync("quick", late)).GetProperty("status").GetString());
        await _docker.StartAsync();

        var ended = await EndAsync("long", running, "worker_error");
        Assert.NotEqual("", ended.GetProperty("message").GetString());
        await EndAsync("quick", late, "succeeded");
        Assert.Equal("succeeded", (await JobAsync("quick", done)).GetProperty("status").GetString());
        await Eventually.TrueAsync(async () => (await JobAsync("again", retried)) is var job && job.GetProperty("attempt").GetInt32() == 2 && job.GetProperty("status").GetString() == "running", "the second attempt runs");
        await Cluster.Cli.OkAsync("delete", "again", retried);
        await EndAsync("again", retried, "stopped");
        await Eventually.TrueAsync(async () => (await Cluster.ReplicaContainersAsync()).Count == 0, "no container is left");
    }
}
