using System.Diagnostics;

namespace Cortex.Testing;

/// <summary>A PostgreSQL server of the tests' own, started when the first test asks for it; an assembly fixture, or one for a test that stops it.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private readonly SemaphoreSlim _starting = new(1);
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"cortex-postgres-{Guid.NewGuid():N}");
    private readonly int _port = FreePort.Find();
    private string? _connectionString;

    /// <summary>A connection string with a schema that nobody else uses.</summary>
    public async Task<string> NewSchemaAsync() => $"{await StartedAsync()};Search Path=test_{Guid.NewGuid():N}";

    /// <summary>Stops the server; <c>immediate</c> is what a crash is to it.</summary>
    public async Task StopAsync(string mode)
    {
        await RunAsync("stop", _folder, mode);
        _connectionString = null;
    }

    /// <summary>Starts it again, where it was.</summary>
    public Task StartAsync() => StartedAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connectionString is not null)
        {
            await StopAsync("immediate");
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task<string> StartedAsync()
    {
        Assert.SkipUnless(
            Directory.Exists("/usr/lib/postgresql") && Directory.GetFiles("/usr/lib/postgresql", "initdb", SearchOption.AllDirectories).Length > 0,
            "PostgreSQL is not installed: run test/Cortex.Queues.Tests/prepare.sh");
        await _starting.WaitAsync();
        try
        {
            // The tests kill the server, never the machine: they need no syncs.
            return _connectionString ??= await RunAsync("start", _folder, $"{_port}", "fsync=off", "max_connections=300");
        }
        finally
        {
            _starting.Release();
        }
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(Repository.Root, "scripts/postgres.sh"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return (await output).Trim();
    }
}
