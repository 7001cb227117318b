using System.Diagnostics;
using System.Text;

namespace Cortex.EndToEnd.Tests;

/// <summary>The published executable, run as a user runs it.</summary>
/// <param name="configDirectory">Where it keeps its environments and clusters.</param>
/// <param name="before">What is put in front of its command line.</param>
internal sealed class CortexExecutable(string configDirectory, params IReadOnlyList<string> before)
{
    private static readonly TimeSpan _bound = TimeSpan.FromMinutes(3);

    public static string Path { get; } = Find();

    public async Task<CommandResult> RunAsync(params string[] args)
    {
        string[] line = [.. before, Path, .. args];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = configDirectory,
        };
        start.Environment["CORTEX_CLI_CONFIG_DIR"] = configDirectory;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var bound = new CancellationTokenSource(_bound);
        var output = process.StandardOutput.ReadToEndAsync(bound.Token);
        var error = process.StandardError.ReadToEndAsync(bound.Token);
        try
        {
            await process.WaitForExitAsync(bound.Token);
            return new CommandResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"`cortex {string.Join(' ', args)}` did not end within {_bound}");
        }
    }

    /// <summary>Runs a command that must succeed, and gives what it printed.</summary>
    public async Task<string> OkAsync(params string[] args)
    {
        var result = await RunAsync(args);
        Assert.True(result.ExitCode == 0, $"`cortex {string.Join(' ', args)}` ended with {result.ExitCode}:\n{result.Output}\n{result.Error}");
        return result.Output;
    }

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("CORTEX_BIN") is { Length: > 0 } given)
        {
            return given;
        }

        var built = System.IO.Path.Combine(Repository.Root, "artifacts", "cortex");
        return File.Exists(built) ? built : throw new FileNotFoundException("artifacts/cortex is missing; run ./build.sh first (./test.sh does), or set CORTEX_BIN");
    }
}

/// <summary>How a command ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error);

/// <summary>Any other program.</summary>
internal static class Shell
{
    public static async Task<string> RunAsync(string file, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(file, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var output = process.StandardOutput.ReadToEndAsync(bound.Token);
        var error = process.StandardError.ReadToEndAsync(bound.Token);
        await process.WaitForExitAsync(bound.Token);
        Assert.True(process.ExitCode == 0, $"{file} {string.Join(' ', args)}: {await error}");
        return (await output).Trim();
    }

    public static async Task<IReadOnlyList<string>> LinesAsync(string file, params string[] args) =>
        (await RunAsync(file, args)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
