using System.Diagnostics;

namespace Cortex.EndToEnd.Tests;

/// <summary>A Docker Engine of its own, so that a test can stop it without hurting anybody.</summary>
internal sealed class PrivateDocker : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cxd-").FullName;
    private Process? _daemon;

    public string Host => $"unix://{_directory}/docker.sock";

    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dockerd",
        [
            "--host", Host, "--data-root", $"{_directory}/data", "--exec-root", $"{_directory}/exec",
            "--pidfile", $"{_directory}/pid", "--bridge", "none", "--log-level", "error",
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _daemon = Process.Start(start)!;
        _daemon.OutputDataReceived += (_, _) => { };
        _daemon.ErrorDataReceived += (_, _) => { };
        _daemon.BeginOutputReadLine();
        _daemon.BeginErrorReadLine();
        await Eventually.TrueAsync(AnswersAsync, "the private Docker Engine answers");
    }

    /// <summary>Gives it an image that the machine's own engine has.</summary>
    public async Task LoadAsync(string image)
    {
        var file = Path.Combine(_directory, "image.tar");
        await Shell.RunAsync("docker", "save", "-o", file, image);
        await Shell.RunAsync("docker", "-H", Host, "load", "-q", "-i", file);
    }

    /// <summary>Stops it as a package upgrade does: its containers end with it.</summary>
    public async Task StopAsync()
    {
        if (_daemon is not { } daemon)
        {
            return;
        }

        await Shell.RunAsync("kill", $"{daemon.Id}");
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await daemon.WaitForExitAsync(bound.Token);
        daemon.Dispose();
        _daemon = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        Assert.False(_daemon!.HasExited, "dockerd ended at once");
        using var ask = Process.Start(new ProcessStartInfo("docker", ["-H", Host, "version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        await ask.WaitForExitAsync();
        return ask.ExitCode == 0;
    }
}
