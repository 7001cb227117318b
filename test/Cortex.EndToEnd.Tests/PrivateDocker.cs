using System.Diagnostics;

namespace Cortex.EndToEnd.Tests;

/// <summary>A Docker Engine of its own, so that a test can stop it without hurting anybody.</summary>
internal sealed class PrivateDocker : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cxd-").FullName;

    // A bridge of its own: told to use none, a daemon takes the machine's docker0 away from everybody.
    private readonly string _bridge = $"cxd{Random.Shared.Next(0x1000000):x6}";
    private Process? _daemon;

    public string Host => $"unix://{_directory}/docker.sock";

    public async Task StartAsync()
    {
        if (!Directory.Exists($"/sys/class/net/{_bridge}"))
        {
            await Shell.RunAsync("ip", "link", "add", "name", _bridge, "type", "bridge");
            await Shell.RunAsync("ip", "address", "add", $"10.213.{Random.Shared.Next(256)}.1/24", "dev", _bridge);
            await Shell.RunAsync("ip", "link", "set", _bridge, "up");
        }

        Launch();
        await Eventually.TrueAsync(AnswersAsync, "the private Docker Engine answers");
    }

    private void Launch()
    {
        var start = new ProcessStartInfo("dockerd",
        [
            "--host", Host, "--data-root", $"{_directory}/data", "--exec-root", $"{_directory}/exec",
            "--pidfile", $"{_directory}/pid", "--bridge", _bridge, "--log-level", "error",
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

        if (!daemon.HasExited)
        {
            await Shell.RunAsync("kill", $"{daemon.Id}");
        }

        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await daemon.WaitForExitAsync(bound.Token);
        daemon.Dispose();
        _daemon = null;
    }

    /// <summary>Kills it as a crash does: the next one finds what is left.</summary>
    public async Task KillAsync()
    {
        var daemon = _daemon!;
        daemon.Kill();
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await daemon.WaitForExitAsync(bound.Token);
        daemon.Dispose();
        _daemon = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Shell.RunAsync("ip", "link", "delete", _bridge);
        KillLeftovers();
        foreach (var mount in File.ReadLines("/proc/mounts").Select(line => line.Split(' ')[1]).Where(path => path.StartsWith(_directory, StringComparison.Ordinal)).ToList())
        {
            await Shell.RunAsync("umount", mount);
        }

        await Eventually.TrueAsync(TryDelete, "nothing holds the private Docker Engine's files any more");
    }

    /// <summary>A daemon that was killed, or that was asked to start something while it ended, leaves processes to nobody, which hold its files.</summary>
    private void KillLeftovers()
    {
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                try
                {
                    // The daemon's helpers name the folder, and the root of a container's process lies in it.
                    if (File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(_directory, StringComparison.Ordinal)
                        || File.ReadLines($"/proc/{process.Id}/mountinfo").First().Contains(_directory, StringComparison.Ordinal))
                    {
                        process.Kill();
                    }
                }
                catch (Exception e) when (e is IOException or InvalidOperationException or UnauthorizedAccessException)
                {
                    // It has ended by itself.
                }
            }
        }
    }

    private Task<bool> TryDelete()
    {
        try
        {
            Directory.Delete(_directory, recursive: true);
            return Task.FromResult(true);
        }
        catch (IOException)
        {
            return Task.FromResult(false);
        }
    }

    private async Task<bool> AnswersAsync()
    {
        if (_daemon!.HasExited)
        {
            // What a killed one left may be in the way of the first try; whoever supervises it tries again.
            _daemon.Dispose();
            Launch();
        }

        using var ask = Process.Start(new ProcessStartInfo("docker", ["-H", Host, "version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await ask.WaitForExitAsync(bound.Token);
            return ask.ExitCode == 0;
        }
        catch (OperationCanceledException)
        {
            ask.Kill();   // it accepts and does not answer
            return false;
        }
    }
}
