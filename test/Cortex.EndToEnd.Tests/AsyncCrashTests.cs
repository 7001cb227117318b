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
        var containers = await _cluster.ReplicaContainersAsync("ancestor=" + TestImage.Name);
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

        using var list = JsonDocument.Parse(await _cluster.Cli.OkAsync("async", "list", "crash", "--limit", "1000", "-o", "json"));
        Assert.Equal(ids.Keys.Order(), list.RootElement.GetProperty("requests").EnumerateArray().Select(request => request.GetProperty("id").GetString()!).Order());
        Assert.Equal(containers.Order(), (await _cluster.ReplicaContainersAsync("ancestor=" + TestImage.Name)).Order());
    }

    [Fact]
    public async Task Server_Stopped_AnswersThoseWhoWaitAndPutsBackWhatItCannotEnd()
    {
        await _cluster.DeployAsync(AsyncCluster.Api("stop", concurrency: 2));
        var slow = await _cluster.SubmitAsync("stop", "sleep 25");
        var quick = await _cluster.SubmitAsync("stop", "sleep 3");
        var waiting = _cluster.RequestAsync("stop", slow, waitSeconds: 55);
        await _cluster.InStatusAsync("stop", slow, "in_progress");
        await _cluster.InStatusAsync("stop", quick, "in_progress");

        var watch = Stopwatch.StartNew();
        await Shell.RunAsync("kill", _cluster.ServerProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal("in_progress", (await waiting).GetProperty("status").GetString());
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(8), $"answered after {watch.Elapsed}");
        await Eventually.TrueAsync(async () => (await _cluster.Cli.RunAsync("version")).ExitCode != 0, "the server has stopped");
        await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);
        Assert.Equal("completed", (await _cluster.FinalAsync("stop", quick)).GetProperty("status").GetString());
        Assert.Equal("completed", (await _cluster.FinalAsync("stop", slow)).GetProperty("status").GetString());
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
