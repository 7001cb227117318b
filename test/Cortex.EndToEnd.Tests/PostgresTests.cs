using System.Diagnostics;

namespace Cortex.EndToEnd.Tests;

/// <summary>Queues in PostgreSQL, which the published executable reaches with code that is trimmed as the rest.</summary>
public sealed class PostgresTests : IAsyncLifetime
{
    private static readonly string _script = Path.Combine(Repository.Root, "scripts", "postgres.sh");

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"cortex-e2e-postgres-{Guid.NewGuid():N}");
    private LocalCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        var connection = await Shell.RunAsync(_script, "start", _folder, $"{FreePort.Find()}", "fsync=off");
        _cluster = new LocalCluster { More = $"storage: {{queues: postgres, postgres: {{connection_string: '{connection}'}}}}" };
        await _cluster.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await Shell.RunAsync(_script, "stop", _folder, "immediate");
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Requests_AcrossAKillOfTheServer_EndWithTheirOwnResults()
    {
        await _cluster.DeployAsync(AsyncCluster.Api("queued"));
        var large = new string('x', 100_000);   // over what is kept with the message
        var bodies = Enumerable.Range(0, 20).Select(i => i % 5 == 0 ? $"{i} {large}" : $"{i}").Append("sleep 3").ToList();
        var ids = await Task.WhenAll(bodies.Select(body => _cluster.SubmitAsync("queued", body)));
        var again = await _cluster.SubmitAsync("queued", "once", ("Idempotency-Key", "a-key"));
        Assert.Equal(again, await _cluster.SubmitAsync("queued", "once", ("Idempotency-Key", "a-key")));

        using (var server = Process.GetProcessById(_cluster.ServerProcessId))
        {
            server.Kill();
            await server.WaitForExitAsync();
        }

        await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);

        foreach (var (id, body) in ids.Zip(bodies))
        {
            var done = await _cluster.FinalAsync("queued", id);
            Assert.Equal(("completed", body), (done.GetProperty("status").GetString(), done.GetProperty("result").GetProperty("said").GetString()));
        }

        Assert.False(File.Exists(Path.Combine(_cluster.DataDirectory, "queues.db")));
    }
}
