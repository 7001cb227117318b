using System.Diagnostics;

namespace Cortex.Testing;

/// <summary>A process that runs one test method again, as a writer that the test kills: the method looks at <see cref="Current"/> to know which of both it is.</summary>
public sealed class WriterProcess : IDisposable
{
    private const string DatabaseVariable = "CORTEX_TEST_DATABASE";
    private const string FileVariable = "CORTEX_TEST_ACKNOWLEDGED";

    private readonly string _file;
    private readonly Process? _process;

    private WriterProcess(string database, string file, Process? process) => (Database, _file, _process) = (database, file, process);

    /// <summary>This process, when it is such a writer.</summary>
    public static WriterProcess? Current { get; } = Environment.GetEnvironmentVariable(DatabaseVariable) is { } database
        ? new WriterProcess(database, Environment.GetEnvironmentVariable(FileVariable)!, null)
        : null;

    /// <summary>Where it writes.</summary>
    public string Database { get; }

    /// <summary>Begins one.</summary>
    /// <param name="type">The test class.</param>
    /// <param name="method">The test method, which then writes for ever.</param>
    /// <param name="database">Where it writes.</param>
    public static WriterProcess Start(Type type, string method, string database)
    {
        var file = Path.GetTempFileName();
        var program = Path.ChangeExtension(type.Assembly.Location, null);
        var start = new ProcessStartInfo(program, ["-method", $"{type.FullName}.{method}", "-noLogo"])
        {
            Environment = { [DatabaseVariable] = database, [FileVariable] = file },
            RedirectStandardOutput = true,
        };
        return new WriterProcess(database, file, Process.Start(start));
    }

    /// <summary>What the writer was told is stored: a line each, which outlives it.</summary>
    public IReadOnlyList<string> Acknowledged() => File.ReadAllLines(_file);

    /// <summary>Notes what was acknowledged to this process.</summary>
    public void Acknowledge(string line) => File.AppendAllText(_file, line + "\n");

    /// <summary>Kills it, and gives what it was told is stored.</summary>
    public async Task<IReadOnlyList<string>> KillAsync()
    {
        Assert.False(_process!.HasExited, "the writer has ended by itself");
        _process.Kill();
        await _process.WaitForExitAsync().WithinLimit();
        return Acknowledged();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
        }

        _process?.Dispose();
        File.Delete(_file);
    }
}
