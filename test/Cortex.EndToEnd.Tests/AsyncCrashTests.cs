using System.Diagnostics;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

public sealed class AsyncCrashTests : IAsyncLifetime
{
    private readonly LocalCluster _cluster = new();

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Server_KilledWithWorkInProgress_EveryRequestComesToItsEnd()
    {
        await _cluster.DeployAsync(AsyncCluster.Api("crash", replicas: 2, concurrency: 2));
        var containers = await _cluster.ContainersAsync();
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 8; i++)
            {
                var words = i % 4 == 0 ? "sleep 1" : $"word {round} {i}";
                ids.Add(await _cluster.SubmitAsync("crash", words), words);
            }

            using (var server = Process.GetProcessById(_cluster.ServerProcessId))
            {
                server.Kill();
                await server.WaitForExitAsync();
            }

            await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);
        }

        foreach (var (id, words) in ids)
        {
            var done = await _cluster.FinalAsync("crash", id);
            Assert.Equal(("completed", words, id), (done.GetProperty("status").GetString(), done.GetProperty("result").GetProperty("said").GetString(), done.GetProperty("result").GetProperty("id").GetString()));
        }

        using var list = JsonDocument.Parse(await _cluster.CallAsync("/crash?limit=1000"));
        Assert.Equal(ids.Keys.Order(), list.RootElement.GetProperty("requests").EnumerateArray().Select(request => request.GetProperty("id").GetString()!).Order());
        Assert.Equal(containers.Order(), (await _cluster.ContainersAsync()).Order());
    }

    [Fact]
    public async Task Server_StoppedWhileClientsWait_LetsThemGoOnAfterwards()
    {
        await _cluster.DeployAsync(AsyncCluster.Api("stop", concurrency: 1));
        var id = await _cluster.SubmitAsync("stop", "sleep 2");
        var waiting = _cluster.Cli.RunAsync("async", "get", "stop", id, "--wait", "2m");
        var queued = await _cluster.SubmitAsync("stop", "queued");
        await _cluster.InStatusAsync("stop", id, "in_progress");

        await Shell.RunAsync("kill", _cluster.ServerProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await Eventually.TrueAsync(async () => (await _cluster.Cli.RunAsync("version")).ExitCode != 0, "the server has stopped");
        await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);

        var result = await waiting;
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal("completed", (await _cluster.FinalAsync("stop", queued)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Down_LeavesNoQueueBehind()
    {
        await _cluster.DeployAsync(AsyncCluster.Api("down"));
        await _cluster.FinalAsync("down", await _cluster.SubmitAsync("down", new string('x', 100_000)));

        await _cluster.Cli.OkAsync("cluster", "down", "-y");

        Assert.False(Directory.Exists(_cluster.DataDirectory));
    }
}
